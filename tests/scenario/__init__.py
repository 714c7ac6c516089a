"""A week in the life of a shop, told to a live server by real requests, in two minutes."""
