/** Flags of `pilot-agent istio-iptables` beyond the injector's defaults. */
export interface CaptureRules {
  readonly [flag: string]: string;
}

/** The annotations traffic.sidecar.istio.io/…, with the flag that Istio's injector passes for each. */
const FLAGS: Record<string, string> = {
  includeOutboundIPRanges: '-i',
  excludeOutboundIPRanges: '-x',
  includeOutboundPorts: '-q',
  excludeOutboundPorts: '-o',
  includeInboundPorts: '-b',
  excludeInboundPorts: '-d',
  excludeInterfaces: '-c',
};

/** The injector's defaults: everything is captured except the agent's ports. */
export const DEFAULTS: CaptureRules = {
  '-p': '15001',
  '-z': '15006',
  '-u': '1337',
  '-m': 'REDIRECT',
  '-i': '*',
  '-x': '',
  '-b': '*',
  '-d': '15090,15021,15020',
};

export function captureRules(annotations: Record<string, string>): CaptureRules {
  const rules: Record<string, string> = {};
  for (const [key, value] of Object.entries(annotations)) {
    const name = key.startsWith('traffic.sidecar.istio.io/') ? key.slice('traffic.sidecar.istio.io/'.length) : '';
    if (name !== '' && FLAGS[name] === undefined)
      throw new Error(`the lab does not know the capture annotation ${key}`);
    if (name === 'excludeInboundPorts') rules['-d'] = `15090,15021,15020,${value}`;
    else if (name !== '') rules[FLAGS[name]] = value;
  }
  return rules;
}

/** Arguments of `pilot-agent istio-iptables`. */
export function captureArguments(
  rules: CaptureRules,
  { dns, dualStack }: { dns: boolean; dualStack: boolean },
): string[] {
  return [
    'istio-iptables',
    ...Object.entries({ ...DEFAULTS, ...rules }).flat(),
    // Left alone it may choose another backend to clean up than it chose to set up.
    '--force-iptables-binary',
    'nft',
    ...(dns ? ['--redirect-dns'] : []),
    ...(dualStack ? ['--dual-stack'] : []),
  ];
}
