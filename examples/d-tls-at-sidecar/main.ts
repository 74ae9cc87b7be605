import { App, Chart } from 'cdk8s';
import { SidecarEgress } from 'cdk8s-istio-egress';

const app = new App();
const team = new Chart(app, 'shop', { namespace: 'shop' });

const sites = new SidecarEgress(team, 'sites', { hosts: ['www.aliyun.com', 'hbchen.com'] });

// http://www.aliyun.com leaves the pod as TLS; https://www.aliyun.com and http://hbchen.com stay as they are.
sites.originateTls('aliyun-tls', { hosts: ['www.aliyun.com'] });

app.synth();
