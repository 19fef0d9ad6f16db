import { runtime } from '../../../../lib/runtime'

export const dynamic = 'force-dynamic'
const { handler } = runtime
export { handler as DELETE, handler as GET, handler as PATCH, handler as POST, handler as PUT }
