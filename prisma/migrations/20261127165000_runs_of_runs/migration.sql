-- AlterEnum
ALTER TYPE "agent_runtime"."wait_kind" ADD VALUE 'child';

-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "depth" INTEGER,
ADD COLUMN     "detached" BOOLEAN,
ADD COLUMN     "has_children" BOOLEAN,
ADD COLUMN     "parent_run_id" UUID,
ADD COLUMN     "root_run_id" UUID;

-- CreateTable
CREATE TABLE "agent_runtime"."family_news" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "run_id" UUID NOT NULL,
    "parent_run_id" UUID,
    "kind" TEXT NOT NULL,
    "next_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "family_news_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "family_news_next_at_idx" ON "agent_runtime"."family_news"("next_at");

-- CreateIndex
CREATE INDEX "family_news_run_id_idx" ON "agent_runtime"."family_news"("run_id");

-- CreateIndex
CREATE INDEX "run_parent_idx" ON "agent_runtime"."run"("parent_run_id", "id") WHERE (parent_run_id IS NOT NULL);

-- Who ends a run, deletes it, or has it wait, need not know of its family. Nobody of it is locked here: a parent and its children
-- end at the same time, and would wait for each other.
CREATE FUNCTION "agent_runtime"."note_family"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO agent_runtime.family_news (run_id, parent_run_id, kind) VALUES (OLD.id, OLD.parent_run_id, 'deleted');
  ELSIF NEW.finished_at IS NOT NULL THEN
    INSERT INTO agent_runtime.family_news (run_id, parent_run_id, kind) VALUES (NEW.id, NEW.parent_run_id, 'ended');
  ELSE
    INSERT INTO agent_runtime.family_news (run_id, parent_run_id, kind) VALUES (NEW.id, NEW.parent_run_id, 'waits');
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER "note_family_changed" AFTER UPDATE ON "agent_runtime"."run"
FOR EACH ROW
WHEN (
  OLD.status <> NEW.status AND (
    NEW.finished_at IS NOT NULL AND (NEW.parent_run_id IS NOT NULL OR NEW.has_children)
    OR NEW.parent_run_id IS NOT NULL AND 'waiting' IN (OLD.status, NEW.status)))
EXECUTE FUNCTION "agent_runtime"."note_family"();

CREATE TRIGGER "note_family_deleted" AFTER DELETE ON "agent_runtime"."run"
FOR EACH ROW
WHEN (OLD.has_children OR OLD.parent_run_id IS NOT NULL AND OLD.finished_at IS NULL)
EXECUTE FUNCTION "agent_runtime"."note_family"();
