-- The first of these texts that is no `jsonb`, counted from 1, and why.
CREATE FUNCTION {schema}.first_unfit(documents text[], OUT nth int, OUT reason text)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    FOR place IN 1 .. coalesce(array_length(documents, 1), 0) LOOP
        BEGIN
            PERFORM documents[place]::jsonb;
        EXCEPTION
            WHEN data_exception OR program_limit_exceeded THEN
                nth := place;
                reason := sqlerrm;
                RETURN;
        END;
    END LOOP;
END
$$;
