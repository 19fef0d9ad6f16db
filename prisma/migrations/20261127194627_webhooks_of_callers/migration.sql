-- AlterTable
ALTER TABLE "agent_runtime"."webhook_delivery" ADD COLUMN     "answers" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "owner_id" TEXT,
ADD COLUMN     "owner_kind" TEXT,
ADD COLUMN     "tenant_id" TEXT,
ADD COLUMN     "webhook_id" UUID,
ALTER COLUMN "endpoint" DROP NOT NULL;

-- CreateTable
CREATE TABLE "agent_runtime"."webhook" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "tenant_id" TEXT NOT NULL DEFAULT '',
    "owner_id" TEXT NOT NULL,
    "owner_kind" TEXT NOT NULL DEFAULT 'user',
    "run_id" UUID,
    "conversation_id" UUID,
    "url" TEXT NOT NULL,
    "secret" TEXT NOT NULL,
    "events" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "webhook_run_key" ON "agent_runtime"."webhook"("run_id", "url") WHERE (run_id IS NOT NULL);

-- CreateIndex
CREATE UNIQUE INDEX "webhook_conversation_key" ON "agent_runtime"."webhook"("conversation_id", "url") WHERE (conversation_id IS NOT NULL);

-- CreateIndex
CREATE INDEX "webhook_delivery_owner_idx" ON "agent_runtime"."webhook_delivery"("tenant_id", "owner_id", "owner_kind", "id" DESC) WHERE (webhook_id IS NOT NULL);

-- CreateIndex
CREATE INDEX "webhook_delivery_webhook_idx" ON "agent_runtime"."webhook_delivery"("webhook_id") WHERE (webhook_id IS NOT NULL);

-- AddForeignKey
ALTER TABLE "agent_runtime"."webhook" ADD CONSTRAINT "webhook_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "agent_runtime"."run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agent_runtime"."webhook" ADD CONSTRAINT "webhook_conversation_id_fkey" FOREIGN KEY ("conversation_id") REFERENCES "agent_runtime"."conversation"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agent_runtime"."webhook_delivery" ADD CONSTRAINT "webhook_delivery_webhook_id_fkey" FOREIGN KEY ("webhook_id") REFERENCES "agent_runtime"."webhook"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Callers' webhooks turn the trigger on by this before the first of them is stored: where a run is created with one, that run's transaction
-- could not wait for all others that write runs.
CREATE FUNCTION "agent_runtime"."enable_webhooks"() RETURNS void LANGUAGE plpgsql
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
END
$$;

CREATE OR REPLACE FUNCTION "agent_runtime"."turn_on_webhooks"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
  PERFORM agent_runtime.enable_webhooks();
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION "agent_runtime"."note_webhooks"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO agent_runtime.webhook_delivery (run_id, endpoint, event, seq)
  SELECT NEW.id, e.name, 'run.' || NEW.status, NEW.last_seq
  FROM agent_runtime.webhook_endpoint e
  WHERE NOT e.is_bound OR NEW.agent_key = ANY (e.agent_keys);
  -- The lock: of one that is deleted at this moment, the foreign key would have the run's end fail. The id is a UUIDv7, by which an owner's
  -- deliveries are listed.
  INSERT INTO agent_runtime.webhook_delivery (id, run_id, webhook_id, tenant_id, owner_id, owner_kind, event, seq)
  SELECT encode(
      set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1),
      'hex')::uuid,
    NEW.id, w.id, w.tenant_id, w.owner_id, w.owner_kind, 'run.' || NEW.status, NEW.last_seq
  FROM (
    SELECT * FROM agent_runtime.webhook
    WHERE run_id = NEW.id OR conversation_id = NEW.conversation_id
    FOR KEY SHARE
  ) w
  WHERE w.events = '{}' OR 'run.' || NEW.status = ANY (w.events);
  RETURN NULL;
END
$$;
