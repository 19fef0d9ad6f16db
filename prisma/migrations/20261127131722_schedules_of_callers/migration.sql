-- CreateTable
CREATE TABLE "agent_runtime"."schedule" (
    "id" UUID NOT NULL,
    "tenant_id" TEXT NOT NULL DEFAULT '',
    "owner_id" TEXT NOT NULL,
    "owner_kind" TEXT NOT NULL DEFAULT 'user',
    "name" TEXT,
    "agent_key" TEXT NOT NULL,
    "cron" TEXT,
    "every_seconds" INTEGER,
    "time_zone" TEXT NOT NULL,
    "input" JSONB NOT NULL,
    "conversation_id" UUID,
    "paused_at" TIMESTAMPTZ(3),
    "next_at" TIMESTAMPTZ(3),
    "taken_until" TIMESTAMPTZ(3),
    "last_at" TIMESTAMPTZ(3),
    "last_run_id" UUID,
    "last_error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "schedule_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "schedule_tenant_id_owner_id_owner_kind_id_idx" ON "agent_runtime"."schedule"("tenant_id", "owner_id", "owner_kind", "id" DESC);

-- CreateIndex
CREATE INDEX "schedule_due_idx" ON "agent_runtime"."schedule"("next_at") WHERE (next_at IS NOT NULL);
