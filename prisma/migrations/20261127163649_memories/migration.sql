-- CreateTable
CREATE TABLE "agent_runtime"."memory" (
    "id" UUID NOT NULL,
    "tenant_id" TEXT NOT NULL DEFAULT '',
    "owner_id" TEXT NOT NULL,
    "owner_kind" TEXT NOT NULL DEFAULT 'user',
    "namespace" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "memory_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "memory_tenant_id_owner_id_owner_kind_id_idx" ON "agent_runtime"."memory"("tenant_id", "owner_id", "owner_kind", "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "memory_key" ON "agent_runtime"."memory"("tenant_id", "owner_id", "owner_kind", "namespace", "key");
