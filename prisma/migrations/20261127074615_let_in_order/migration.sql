-- DropIndex
DROP INDEX "agent_runtime"."run_let_in_idx";

-- CreateIndex
CREATE INDEX "run_let_in_idx" ON "agent_runtime"."run"("tenant_id", "gate", "owner_id", "owner_kind", "id") WHERE (gate IN ('tenant', 'passed') AND status IN ('queued', 'running'));
