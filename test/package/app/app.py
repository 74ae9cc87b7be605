from cdk8s import App, Chart
from cdk8s_istio_egress import Caller, GatewayEgress, GatewayInstallation, InstalledEgressGateway, TlsOrigination

app = App()
chart = Chart(app, "payments", namespace="payments")

exit = InstalledEgressGateway(chart, "exit", installation=GatewayInstallation.helm_chart(namespace="egress"))
partner = GatewayEgress(
    chart,
    "partner",
    gateway=exit,
    hosts=["api.partner.com"],
    callers=[Caller.service_account("payments", "checkout")],
)
TlsOrigination(chart, "partner-tls", egress=partner)

app.synth()
