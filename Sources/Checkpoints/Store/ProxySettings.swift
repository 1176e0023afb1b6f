import FoundationEssentials

/// The proxies that the environment names: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in small letters, too.
struct ProxySettings: Sendable {
    struct Proxy: Hashable, Sendable {
        let host: String
        let port: Int
        var user: String?
        var password: String?
    }

    private let proxies: [String: Proxy]
    /// Why a variable does not count.
    let note: String?
    /// Names of hosts that are asked directly, and `*`.
    private let exceptions: [String]

    init(environment: [String: String]) {
        func value(_ name: String) -> String? {
            [environment[name.lowercased()], environment[name]].compactMap { $0 }.first { !$0.isEmpty }
        }
        var proxies: [String: Proxy] = [:]
        var note: String?
        for scheme in ["http", "https"] {
            let name = ["\(scheme.uppercased())_PROXY", "ALL_PROXY"].first { value($0) != nil }
            guard let name, let text = value(name) else { continue }
            guard let url = URL(string: text.contains("://") ? text : "http://\(text)"), let host = url.host(),
                ["http", "https"].contains(url.scheme?.lowercased())
            else {
                note = "\(name) names no proxy for HTTP (http://HOST:PORT) and is not used"
                continue
            }
            proxies[scheme] = Proxy(
                host: host, port: url.port ?? 80, user: url.user(percentEncoded: false),
                password: url.password(percentEncoded: false))
        }
        self.proxies = proxies
        self.note = note
        exceptions = (value("NO_PROXY") ?? "").lowercased().split { $0 == "," || $0.isWhitespace }.map(String.init)
    }

    func proxy(for url: URL) -> Proxy? {
        guard let proxy = proxies[url.scheme?.lowercased() ?? ""], let host = url.host()?.lowercased() else {
            return nil
        }
        let isException = exceptions.contains { exception in
            let name = exception.hasPrefix(".") ? String(exception.dropFirst()) : exception
            return name == "*" || host == name || host.hasSuffix(".\(name)") || "\(host):\(url.port ?? 0)" == name
        }
        return isException ? nil : proxy
    }
}
