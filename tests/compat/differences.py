"""Where this engine is meant to differ from dlt 1.31, by name, and why.

The tests name the entry that a difference falls under. A difference that falls under none fails,
and so does an entry that no longer shows.
"""

DIFFERENCES = {
    "colliding keys": (
        "Of two keys of a row that become one name, dlt keeps one value and drops the other. "
        "Here each has a column; one keeps the name and the other's ends in a tag made of its "
        "key, which the column's hint x-odp-source-key records."
    ),
    "colliding lists": (
        "Of two lists of a row that become one nested table, dlt drops the one. Here each has a "
        "table, named by the same rule as columns."
    ),
    "colliding tables": (
        "Two resources, or two tables that rows name, whose names become one, are one table in "
        "dlt. Here they are an error that names both."
    ),
    "columns that scd2 uses": (
        "What `columns` says of a validity column or of the version column is overwritten in dlt, "
        "with its type and place. Here it counts."
    ),
    "root ids of tables broken out": (
        "Rows nested in a table with a key of its own carry the root id of its rows. In dlt those "
        "of the first row that comes carry that of the outermost row."
    ),
    "load ids of scalars broken out": (
        "A list of scalars whose table has a key of its own has no _dlt_load_id in dlt, as other "
        "tables with a key have. Here it does."
    ),
    "settings of a schema file": (
        "Preferred types, default hints and detections of an imported or stored schema count in "
        "dlt for rows of no source only; a source replaces them by its own, the usual ones. Here "
        "they count for both."
    ),
    "nested tables of two parents": (
        "The lists in the lists of `x` and the lists `x.list` are rows of one table in dlt, "
        "whose parent ids point to two tables. Here the second to come has a tagged table of "
        "its own."
    ),
    "a field named like a variant": (
        "dlt drops the field's value or the variant's. Here one of them has a tagged column."
    ),
    "keys that leave no name": (
        "A key such as `__` makes dlt crash. Here it is the column `_empty`."
    ),
    "timestamp text in a variant column": (
        "dlt types the variant column of a text by the text, and when the next text is no "
        "timestamp it crashes. Here a variant column for text is text."
    ),
    "values that dlt cannot write": (
        "Sets, durations, bytearrays, paths and numpy scalars abort dlt's run. Here sets are "
        "lists, durations are seconds, and the others are what they hold."
    ),
    "integers beyond 64 bits": (
        "dlt aborts, at the latest while loading. Here they are decimals, and text if even a "
        "decimal of 38 digits, 9 of them a fraction, does not hold them."
    ),
    "numbers too large for their column": (
        "A double beyond 64 bits in a bigint column is 0 in dlt, or fails the load. Here it "
        "goes to the variant column."
    ),
    "not a number, infinity": (
        "dlt loads NULL, silently, and fails to load text such as 'nan' into a double column. "
        "Here both are what they say in double columns."
    ),
    "negative zero": "dlt loads -0.0 as 0.0. Here it keeps its sign.",
    "rounded decimals": (
        "dlt rounds what has more digits than the column. Here it goes to the variant column, "
        "as it is."
    ),
    "decimals from large floats": "dlt loads 1e20 as 99999999999999991433.15. Here it is 1e20.",
    "decimals that are no numbers": (
        "NaN and infinity of the class Decimal, and numbers of more than 38 digits, fail dlt's "
        "load. Here they are text, in the variant column if there are numbers too."
    ),
    "moments beyond the calendar": (
        "Text or seconds that are outside of the years 1 to 9999 in UTC make dlt crash. Here "
        "they are no timestamps: text stays text and a number goes to the variant column."
    ),
    "NUL characters": "dlt removes them from text. Here they are kept.",
    "lone surrogates": "They abort dlt's run. Here they are spelled as escapes, `\\udc80`.",
    "row ids in nested rows": (
        "A field `_dlt_id` in a nested row makes dlt forget the row's parent, and the load "
        "fails. Here it is the row's id, and the parent is kept."
    ),
    "keys in contradicting orders": (
        "Columns that are first filled in one and the same later row stand in the order of the "
        "keys in that row. Where rows contradict each other, they stand here in the order in "
        "which the keys first appeared, be it with null."
    ),
    "empty pages": (
        "A yield of an empty list puts a table without columns into dlt's schema. Here it "
        "leaves no trace, like a resource that yields nothing."
    ),
    "the zone of a time in text": (
        "A time of day with a zone keeps it in dlt where it comes into a text column. Here it "
        "has none, as in a column of times."
    ),
    "exponents of decimals in text": (
        "Decimal('1E+3') is '1E+3' in a text column of dlt. Here it is written out: '1000'."
    ),
}
