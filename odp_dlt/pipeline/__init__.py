"""The order of the steps of a load, and what is kept between them."""
