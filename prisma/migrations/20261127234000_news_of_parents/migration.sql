-- CreateIndex
CREATE INDEX "family_news_parent_run_id_idx" ON "agent_runtime"."family_news"("parent_run_id");
