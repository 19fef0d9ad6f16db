import { runtime } from '../../../lib/runtime'

export const dynamic = 'force-dynamic'
const { handler } = runtime
export { handler as GET, handler as POST }
