-- DropIndex
DROP INDEX "agent_runtime"."conversation_tenant_id_owner_id_id_idx";

-- DropIndex
DROP INDEX "agent_runtime"."run_tenant_id_owner_id_id_idx";

-- DropIndex
DROP INDEX "agent_runtime"."run_idempotency_key";

-- AlterTable
ALTER TABLE "agent_runtime"."conversation" ADD COLUMN     "owner_kind" TEXT NOT NULL DEFAULT 'user';

-- A conversation is of the kind of who began it.
UPDATE "agent_runtime"."conversation" c SET "owner_kind" = f."owner_kind"
FROM (
    SELECT DISTINCT ON ("conversation_id") "conversation_id", "owner_kind"
    FROM "agent_runtime"."run"
    WHERE "conversation_id" IS NOT NULL
    ORDER BY "conversation_id", "id"
) f
WHERE f."conversation_id" = c."id" AND f."owner_kind" <> 'user';

-- One without runs tells nothing of its own: its owner does, whose runs are all of one kind, or whose name is
-- the one that everybody has where nobody signs in. Any other stays a user's, which no visitor gets to see.
UPDATE "agent_runtime"."conversation" c SET "owner_kind" = o."owner_kind"
FROM (
    SELECT "tenant_id", "owner_id", min("owner_kind") AS "owner_kind"
    FROM "agent_runtime"."run"
    GROUP BY "tenant_id", "owner_id"
    HAVING min("owner_kind") = max("owner_kind")
    UNION ALL
    SELECT '', 'public', 'public'
    WHERE NOT EXISTS (SELECT FROM "agent_runtime"."run" WHERE "tenant_id" = '' AND "owner_id" = 'public')
) o
WHERE o."tenant_id" = c."tenant_id" AND o."owner_id" = c."owner_id" AND o."owner_kind" <> 'user'
    AND NOT EXISTS (SELECT FROM "agent_runtime"."run" r WHERE r."conversation_id" = c."id");

-- CreateIndex
CREATE INDEX "conversation_tenant_id_owner_id_owner_kind_id_idx" ON "agent_runtime"."conversation"("tenant_id", "owner_id", "owner_kind", "id" DESC);

-- CreateIndex
CREATE INDEX "run_tenant_id_owner_id_owner_kind_id_idx" ON "agent_runtime"."run"("tenant_id", "owner_id", "owner_kind", "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "run_idempotency_key" ON "agent_runtime"."run"("tenant_id", "owner_id", "owner_kind", "idempotency_key") WHERE (idempotency_key IS NOT NULL);
