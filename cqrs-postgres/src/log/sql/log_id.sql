SELECT id FROM {schema}.log
