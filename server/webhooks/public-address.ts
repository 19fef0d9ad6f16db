import { BlockList, isIP } from 'node:net'

// https://www.iana.org/assignments/iana-ipv4-special-registry
const SPECIAL = new BlockList()
for (const network of [
  ...[
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
  ],
  ...[
    '192.0.2.0/24',
    '192.31.196.0/24',
    '192.52.193.0/24',
    '192.88.99.0/24',
    '192.168.0.0/16',
    '192.175.48.0/24',
  ],
  ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
]) {
  const [address = '', bits] = network.split('/')
  SPECIAL.addSubnet(address, Number(bits), 'ipv4')
}

// Only 2000::/3 of IPv6 is assigned. Within it, the networks of SPECIAL_6 lead to IPv4 or nowhere.
const GIVEN_OUT = new BlockList()
GIVEN_OUT.addSubnet('2000::', 3, 'ipv6')
const SPECIAL_6 = new BlockList()
for (const network of ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']) {
  const [address = '', bits] = network.split('/')
  SPECIAL_6.addSubnet(address, Number(bits), 'ipv6')
}

/**
 * Whether an address is public: not in a private network, not a cloud's metadata service, and no IPv6 form of these.
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !SPECIAL.check(address, 'ipv4')
    case 6:
      return GIVEN_OUT.check(address, 'ipv6') && !SPECIAL_6.check(address, 'ipv6')
    default:
      return false
  }
}
