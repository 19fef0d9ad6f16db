-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "sent" INTEGER;

-- CreateTable
CREATE TABLE "agent_runtime"."sent_message" (
    "run_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "id" UUID NOT NULL,
    "key" TEXT,
    "body" JSONB NOT NULL,
    "sent_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "taken_at" TIMESTAMPTZ(3),
    "is_stored" BOOLEAN NOT NULL DEFAULT false,
    "left_at" TIMESTAMPTZ(3),
    "next_run_id" UUID,

    CONSTRAINT "sent_message_pkey" PRIMARY KEY ("run_id","position")
);

-- CreateIndex
CREATE INDEX "sent_message_left_idx" ON "agent_runtime"."sent_message"("left_at") WHERE (left_at IS NOT NULL);

-- CreateIndex
CREATE UNIQUE INDEX "sent_message_key" ON "agent_runtime"."sent_message"("key", "run_id") WHERE (key IS NOT NULL);

-- AddForeignKey
ALTER TABLE "agent_runtime"."sent_message" ADD CONSTRAINT "sent_message_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "agent_runtime"."run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Who ends a run need not know of what it was sent. What it has taken is kept with it, unless it has told so itself. The rest waits for another
-- run, or is kept too where the run was cancelled, since who stops a run wants no other in its place. In this order: what is taken at the same
-- moment is seen by the second statement.
CREATE FUNCTION "agent_runtime"."settle_sent"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE agent_runtime.sent_message SET
    taken_at = CASE WHEN NEW.status = 'cancelled' THEN now() END,
    left_at = CASE WHEN NEW.status = 'cancelled' THEN NULL ELSE now() END
  WHERE run_id = NEW.id AND taken_at IS NULL;
  INSERT INTO agent_runtime.message (run_id, position, id, conversation_id, origin, body)
  SELECT s.run_id, 900000 + s.position, s.id::text, NEW.conversation_id, 'input', s.body
  FROM agent_runtime.sent_message s
  WHERE s.run_id = NEW.id AND s.taken_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM agent_runtime.message m WHERE m.run_id = s.run_id AND m.id = s.id::text);
  RETURN NULL;
END
$$;

CREATE TRIGGER "settle_sent" AFTER UPDATE ON "agent_runtime"."run"
FOR EACH ROW
WHEN (NEW.sent IS NOT NULL AND OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL)
EXECUTE FUNCTION "agent_runtime"."settle_sent"();
