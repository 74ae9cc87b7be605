export const HELP = `cdk8s-istio-egress: what is wrong with Istio manifests, and what happens to a request, from manifests alone

  cdk8s-istio-egress lint <files, folders or -> [options]
  cdk8s-istio-egress rules [CODE]
  cdk8s-istio-egress explain <files, folders or -> --from <namespace>/<service account> --to <url> [options]
  cdk8s-istio-egress check <files, folders or -> <access.yaml> [--assume-age undated=AGE] [--istio RELEASE]
                        [--output text|json|mermaid]
  cdk8s-istio-egress migrate <access.yaml...>
  cdk8s-istio-egress docs [page]

lint applies all rules, and says which field of which object to change. To ask a cluster:
  kubectl get serviceentries,virtualservices,destinationrules,gateways.networking.istio.io,sidecars,\\
authorizationpolicies,services -A -o yaml | cdk8s-istio-egress lint -
  --fail-on SEVERITY                error, warning or info: what ends with exit code 1; or never. Default: error
  --baseline FILE                   findings that are accepted; --output baseline writes one
  --namespace NAMESPACE             where objects without a namespace will be applied; default: default
  --root-namespace NAMESPACE        the root namespace of the mesh; default: istio-system
  --output text|json|sarif|github|gitlab|baseline
                                    default text; github shows findings beside the lines of a pull request,
                                    gitlab is a Code Quality report for a merge request
rules lists the rules; with a code it says why, what to write instead, and gives a good and a bad example.

explain follows one request hop by hop and names the object and field that decide each step.
  --from NAMESPACE/SERVICEACCOUNT   the caller
  --to URL                          http://host/path, https://host/path or tcp://host:port
  --labels KEY=VALUE,...            labels of the caller's pod; default: those of the pod template with its service
                                    account, else app=<service account>
  --method METHOD                   default GET
  --header "Name: value"            may be repeated; Host replaces the host that the request names
  --dial ADDRESS                    dial this address instead of the host's own
  --follow                          follow redirects
  --speak PROTOCOL                  http2 (with prior knowledge), grpc (a unary call) or websocket; default: HTTP/1.1
                                    or HTTPS
  --namespace NAMESPACE             where objects without a namespace will be applied; default: default
  --mesh FILE                       MeshConfig YAML (or its ConfigMap, or Helm values): outbound traffic policy,
                                    root namespace, trust domain. Default: the ConfigMap istio among the manifests
  --table FILE                      an access table that says which gateways, Secrets and external hosts exist.
                                    Without it the answer says what it depends on
  --assume-age undated=AGE          how old objects without a creationTimestamp are: youngest, oldest, or same (as
                                    old as all others, so that names decide). Default: unknown; where it changes
                                    the answer, the answer is undetermined
  --assume WHAT                     may be repeated:
                                    outbound-traffic-policy=ALLOW_ANY|REGISTRY_ONLY: where --mesh is not at hand
                                    credentials=good: Secrets, ConfigMaps and files that TLS settings name exist,
                                    proxies may read them, and hosts accept them
                                    addresses=declared: hosts are where manifests say, and nowhere else
                                    protocols=declared: hosts speak HTTP/2 without TLS on ports for GRPC and HTTP2
                                    network=open: policies of network plug-ins (Cilium, Calico, Antrea) and those for
                                    whole clusters let all connections through
                                    http-port-80=yes|no: whether a Service of the mesh has an HTTP port 80, as
                                    Istio's ingress gateway does
  --istio RELEASE                   such as 1.30: decides where releases differ in what they admit
  --gateway NAMESPACE/NAME          a gateway that is installed as Istio's Helm chart does it, and need not be among
                                    the manifests; ,targetPort=PORT where its port 443 leads to another pod port,
                                    ,serviceAccount=NAME where its account is not called like it. May be repeated
  --via VIA                         the egress path that the request must take: direct, undeclared, sidecar or
                                    gateway; any other path ends with exit code 1
  --output text|json|mermaid        default text; json uses the words of access tables (docs access-table)
  --verbose                         name each object that is left out, and say why

check asks for every row of an access table and compares the answer with it.

migrate rewrites access tables that use former words (outside, way, plaintextToOutside, passthrough) in place.
Comments, order and layout stay. - reads standard input and writes to standard output. If a file cannot be read or is
not an access table, no file is written.

docs lists the pages of the documentation, which are in the package, prints one, or names those that hold the words
given.

--version prints the version.

Manifests are read from .yaml, .yml and .json files, folders (recursively) and standard input (-). What cannot be read
is reported with its file and document number. The rest is answered, the first line says that the input is incomplete,
and the exit code is 2. An object that the API server rejects is reported with the field and what is allowed there;
requests that it could affect are undetermined.

Exit codes
  0  nothing was found (up to --fail-on); the request is answered every time (by the path given with --via); every row
     is as the table says; tables are migrated
  1  something was found; it is refused, or takes another path; a row differs
  2  undetermined: something that the model does not know could change the answer, and the output names it.
     Or the answer holds on a condition ("if …:") or not always, or the input is incomplete
  3  wrong usage, nothing could be read, or an internal error: no answer, and nothing is written
`;
