-- Only a run that succeeded leaves what it has not read to another. One that failed is asked anew by who wants that, and what it was sent is a part of
-- what it was asked: without the rest nobody could make sense of it.
CREATE OR REPLACE FUNCTION "agent_runtime"."settle_sent"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE agent_runtime.sent_message SET
    taken_at = CASE WHEN NEW.status <> 'succeeded' THEN now() END,
    left_at = CASE WHEN NEW.status = 'succeeded' THEN now() END
  WHERE run_id = NEW.id AND taken_at IS NULL;
  INSERT INTO agent_runtime.message (run_id, position, id, conversation_id, origin, body)
  SELECT s.run_id, 900000 + s.position, s.id::text, NEW.conversation_id, 'input', s.body
  FROM agent_runtime.sent_message s
  WHERE s.run_id = NEW.id AND s.taken_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM agent_runtime.message m WHERE m.run_id = s.run_id AND m.id = s.id::text);
  RETURN NULL;
END
$$;
