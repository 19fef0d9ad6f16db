-- AlterTable
ALTER TABLE "agent_runtime"."anonymous_session" ADD COLUMN     "address_hash" BYTEA,
ADD COLUMN     "claimed_at" TIMESTAMPTZ(3),
ADD COLUMN     "owner_id" TEXT,
ALTER COLUMN "token_hash" DROP NOT NULL;

-- A session that was there before is a visitor of its own id.
UPDATE "agent_runtime"."anonymous_session" SET "owner_id" = "id"::text;
ALTER TABLE "agent_runtime"."anonymous_session" ALTER COLUMN "owner_id" SET NOT NULL;

-- CreateIndex
CREATE INDEX "anonymous_session_address_idx" ON "agent_runtime"."anonymous_session"("address_hash", "created_at") WHERE (address_hash IS NOT NULL);

-- CreateIndex
CREATE UNIQUE INDEX "anonymous_session_tenant_id_owner_id_key" ON "agent_runtime"."anonymous_session"("tenant_id", "owner_id");

-- Of all processes one deletes old sessions at a time.
INSERT INTO "agent_runtime"."sweep" ("name", "at", "id")
VALUES ('sessions', 'epoch', '00000000-0000-0000-0000-000000000000');
