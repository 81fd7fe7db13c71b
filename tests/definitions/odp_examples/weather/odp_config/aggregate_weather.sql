CREATE OR REPLACE TABLE aggregate_weather_by_day AS
SELECT
  country.iso_2 AS country_code_2,
  country.country_name,
  seen.obs_datetime,
  avg(seen.tavg_celsius) AS avg_tavg_celsius,
  sum(seen.precipitation_mm) AS total_precipitation_mm,
  count(DISTINCT seen.station_id) AS station_count
FROM weather_data AS seen
LEFT JOIN country_data AS country ON country.fips_10_4 = seen.country_code
GROUP BY ALL
ORDER BY ALL
