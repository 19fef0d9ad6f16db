-- CreateIndex
CREATE INDEX "run_ordinal_idx" ON "agent_runtime"."run"("conversation_id", "ordinal") WHERE (conversation_id IS NOT NULL);
