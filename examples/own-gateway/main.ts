import { App, Chart, Include } from 'cdk8s';
import { Caller, ClientCertificate, EgressGateway, GatewayEgress, RegistryOnlyMesh } from 'cdk8s-istio-egress';

const app = new App();

// The platform team: a locked mesh, and a gateway that this library installs. Only what a construct asked for passes
// it.
const platform = new Chart(app, 'platform', { namespace: 'egress' });
new RegistryOnlyMesh(platform, 'lock');
const exit = new EgressGateway(platform, 'exit');
exit.lockdown();

// A second, smaller gateway, for the bank alone.
const vault = new EgressGateway(platform, 'vault', { name: 'vault', replicas: 1 });
vault.lockdown();

// One site for one caller, whose plain HTTP leaves as TLS; and an old site that speaks plain HTTP only.
const shop = new Chart(app, 'shop', { namespace: 'shop' });
const site = new GatewayEgress(shop, 'site', {
  gateway: exit,
  hosts: ['www.partner.com'],
  callers: [Caller.serviceAccount('shop', 'checkout')],
});
site.originateTls('tls');
new GatewayEgress(shop, 'legacy', {
  gateway: exit,
  hosts: ['legacy.partner.com'],
  callers: [Caller.serviceAccount('shop', 'checkout')],
});

// The bank demands a client certificate. Its Secret is in the gateway's namespace, and the gateway's Role may read it.
const bank = new GatewayEgress(shop, 'bank', {
  gateway: vault,
  hosts: ['api.bank.com'],
  callers: [Caller.serviceAccount('shop', 'payment')],
});
bank.originateTls('tls', { clientCertificate: ClientCertificate.fromSecret('bank-client') });

// What another author binds to the same pods, with the routes that lead there.
new Include(new Chart(app, 'hand-written'), 'objects', { url: 'hand-written.yaml' });

app.synth();
