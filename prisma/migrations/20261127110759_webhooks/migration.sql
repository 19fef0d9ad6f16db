-- CreateTable
CREATE TABLE "agent_runtime"."webhook_endpoint" (
    "name" TEXT NOT NULL,
    "agent_keys" TEXT[],
    "is_bound" BOOLEAN NOT NULL,

    CONSTRAINT "webhook_endpoint_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "agent_runtime"."webhook_delivery" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "endpoint" TEXT NOT NULL,
    "run_id" UUID NOT NULL,
    "event" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "last_status" INTEGER,
    "last_error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "delivered_at" TIMESTAMPTZ(3),

    CONSTRAINT "webhook_delivery_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "webhook_delivery_due_idx" ON "agent_runtime"."webhook_delivery"("next_at") WHERE (next_at IS NOT NULL);

-- CreateIndex
CREATE INDEX "webhook_delivery_run_id_idx" ON "agent_runtime"."webhook_delivery"("run_id");

-- CreateIndex
CREATE INDEX "webhook_delivery_created_at_id_idx" ON "agent_runtime"."webhook_delivery"("created_at" DESC, "id");

-- AddForeignKey
ALTER TABLE "agent_runtime"."webhook_delivery" ADD CONSTRAINT "webhook_delivery_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "agent_runtime"."run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Who ends a run, or has it wait, need not know of webhooks: what is to be told commits with the status.
CREATE FUNCTION "agent_runtime"."note_webhooks"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO agent_runtime.webhook_delivery (run_id, endpoint, event, seq)
  SELECT NEW.id, e.name, 'run.' || NEW.status, NEW.last_seq
  FROM agent_runtime.webhook_endpoint e
  WHERE NOT e.is_bound OR NEW.agent_key = ANY (e.agent_keys);
  RETURN NULL;
END
$$;

CREATE TRIGGER "note_webhooks" AFTER UPDATE ON "agent_runtime"."run"
FOR EACH ROW
WHEN (OLD.status <> NEW.status AND NEW.status IN ('waiting', 'succeeded', 'failed', 'cancelled', 'timed_out'))
EXECUTE FUNCTION "agent_runtime"."note_webhooks"();
