-- CreateEnum
CREATE TYPE "agent_runtime"."run_gate" AS ENUM ('later', 'principal', 'tenant', 'passed');

-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "gate" "agent_runtime"."run_gate";

-- CreateIndex
CREATE INDEX "run_parked_principal_idx" ON "agent_runtime"."run"("tenant_id", "owner_id", "owner_kind", "priority" DESC, "id") WHERE (gate = 'principal' AND status = 'queued');

-- CreateIndex
CREATE INDEX "run_parked_tenant_idx" ON "agent_runtime"."run"("tenant_id", "priority" DESC, "id") WHERE (gate = 'tenant' AND status = 'queued');

-- CreateIndex
CREATE INDEX "run_later_idx" ON "agent_runtime"."run"("run_at") WHERE (gate = 'later' AND status = 'queued' AND turn IS NULL);

-- CreateIndex
CREATE INDEX "run_let_in_idx" ON "agent_runtime"."run"("tenant_id", "gate", "owner_id", "owner_kind") WHERE (gate IN ('tenant', 'passed') AND status IN ('queued', 'running'));
