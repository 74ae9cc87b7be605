import { App, Chart } from 'cdk8s';
import { Caller, EgressGateway, EgressGuard, GatewayEgress, RegistryOnlyMesh } from 'cdk8s-istio-egress';

const app = new App();

// The platform team: a locked mesh, a locked gateway, and a guard that keeps them so. Whatever lies in the namespace
// `egress`, in the root namespace or in kube-system is the platform's; everybody else writes for their own namespace.
const platform = new Chart(app, 'platform', { namespace: 'egress' });
const lock = new RegistryOnlyMesh(platform, 'lock');
const exit = new EgressGateway(platform, 'exit');
exit.lockdown();
new EgressGuard(platform, 'guard', { locks: [lock], sharedGateways: ['istio-ingress/public'] });

// A team: one site for one caller; its plain HTTP leaves as TLS.
const shop = new Chart(app, 'shop', { namespace: 'shop' });
new GatewayEgress(shop, 'site', {
  gateway: exit,
  hosts: ['www.partner.com'],
  callers: [Caller.serviceAccount('shop', 'checkout')],
}).originateTls('tls');

app.synth();
