import { App, Chart, Include } from 'cdk8s';
import { Caller, ClientCertificate, EgressGateway, GatewayEgress, RegistryOnlyMesh } from 'cdk8s-istio-egress';

const app = new App();

// The platform team: a locked mesh, and a gateway that this library installs. Nothing passes it that no construct asked
// for.
const platform = new Chart(app, 'platform', { namespace: 'egress' });
new RegistryOnlyMesh(platform, 'lock');
const exit = new EgressGateway(platform, 'exit');
exit.lockdown();

// A second, small one beside it, for the bank alone.
const vault = new EgressGateway(platform, 'vault', { name: 'vault', replicas: 1 });
vault.lockdown();

// One site for one caller; its plain HTTP leaves as TLS. And an old one that speaks plain HTTP only.
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

// The bank demands a client certificate. Its Secret lies beside the gateway, whose Role lets it be read.
const bank = new GatewayEgress(shop, 'bank', {
  gateway: vault,
  hosts: ['api.bank.com'],
  callers: [Caller.serviceAccount('shop', 'payment')],
});
bank.originateTls('tls', { clientCertificate: ClientCertificate.fromSecret('bank-client') });

// What somebody else binds to the same pods, with the routes that lead there.
new Include(new Chart(app, 'hand-written'), 'objects', { url: 'hand-written.yaml' });

app.synth();
