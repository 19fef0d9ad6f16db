-- A call of the trigger costs each run 25 microseconds, also where there is no endpoint. The first endpoint turns it on.
-- Only its owner may do that to a table, and the processes that publish endpoints own nothing.
CREATE FUNCTION "agent_runtime"."turn_on_webhooks"() RETURNS void LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog
AS $$ ALTER TABLE agent_runtime.run ENABLE TRIGGER note_webhooks $$;

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM agent_runtime.webhook_endpoint) THEN
    ALTER TABLE agent_runtime.run DISABLE TRIGGER note_webhooks;
  END IF;
END
$$;
