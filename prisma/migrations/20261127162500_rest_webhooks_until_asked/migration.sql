-- A call of the trigger costs each run 25 microseconds, also where there is no endpoint. The first endpoint turns it on, whichever release
-- publishes it. Only its owner may do that to a table, and the processes that publish endpoints own nothing.
CREATE FUNCTION "agent_runtime"."turn_on_webhooks"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
  -- It waits for writes that are under way and has later ones wait for it: asked only while it is off.
  IF EXISTS (
    SELECT FROM pg_trigger
    WHERE tgrelid = 'agent_runtime.run'::regclass AND tgname = 'note_webhooks' AND tgenabled = 'D')
  THEN
    ALTER TABLE agent_runtime.run ENABLE TRIGGER note_webhooks;
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER "turn_on_webhooks" AFTER INSERT ON "agent_runtime"."webhook_endpoint"
FOR EACH ROW
EXECUTE FUNCTION "agent_runtime"."turn_on_webhooks"();

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM agent_runtime.webhook_endpoint) THEN
    ALTER TABLE agent_runtime.run DISABLE TRIGGER note_webhooks;
  END IF;
END
$$;
