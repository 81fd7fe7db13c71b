"""Where contracts, models and Arrow pages give other results than dlt 1.31, each with the reason.

Every key is used by a test, and no test may show a difference that has no key here.
"""

DIFFERENCES = {
    "nested-first-load": (
        "A nested table takes any column in its whole first run, as a root table does. dlt freezes"
        " it from its second row on, so that two items with different keys fail the first load."
    ),
    "nesting-stays": (
        "A contract on columns leaves max_table_nesting of the resource as it is. dlt forgets it,"
        " and takes the rows apart to the last level."
    ),
    "null-after-violation": (
        "A null is no value and breaks no contract. Once a row has broken discard_row with a"
        " column, dlt discards later rows of the run that have a null there, but not earlier ones."
    ),
    "growing-model": (
        "A field that a model gains is added to its table, under the contract that comes with the"
        " model. dlt drops its values without a word, because the model's own contract is"
        " discard_value."
    ),
    "arrow-mixed": (
        "A table that gets both rows and Arrow has row ids and load ids for all of them. dlt leaves"
        " them out of the Arrow rows, and the load fails on NOT NULL."
    ),
    "arrow-type-conflict": (
        "Values of an Arrow column that is of another type than the table's go through the rules of"
        " coercion, as values of rows do. dlt fails within a run; over runs it says one type in the"
        " schema and has another in the table."
    ),
    "arrow-uint64": (
        "Unsigned integers beyond 63 bits go to a decimal variant column. dlt fails at the load."
    ),
    "arrow-unsigned": (
        "A column of 8, 16 or 32 unsigned bits becomes one of twice as many signed bits, which"
        " holds every value. dlt takes as many bits, signed, and fails on the larger half of them."
    ),
    "arrow-duration": ("Durations become seconds, as they do in rows. dlt refuses the table."),
}
