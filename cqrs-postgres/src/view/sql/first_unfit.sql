SELECT nth, reason FROM {schema}.first_unfit($1)
