-- CreateIndex
CREATE INDEX "run_under_way_idx" ON "agent_runtime"."run"("conversation_id", "turn") WHERE (conversation_id IS NOT NULL AND status IN ('queued', 'running', 'waiting'));

-- Of all processes one looks at a time, and all go on where the last look came to.
INSERT INTO "agent_runtime"."sweep" ("name", "at", "id")
VALUES ('upkeep', 'epoch', '00000000-0000-0000-0000-000000000000');
