import FoundationEssentials

/// Requests to Hugging Face's hub, or to another host that speaks as it does.
///
/// The token goes to the hub alone: a redirect that leads to another host is followed without it. What may pass by
/// itself (an answer of 5xx or 429, a connection that fails) is tried again, each time after a longer wait.
///
/// Source: huggingface_hub, `file_download.py` and `hf_api.py`.
struct Hub: Sendable {
    /// Which model, and in which of its states.
    struct Source: Hashable, Sendable {
        let repository: String
        let revision: String
    }

    static let redirectLimit = 10
    /// Bytes of a listing: some hundred thousand files.
    static let listingLimit = 64 << 20
    /// Seconds. A server that asks for a longer wait is not waited for.
    static let longestWait = 60.0

    let settings: HubSettings
    let report: @Sendable (FetchEvent) -> Void
    private let endpoint: URL
    private let token: String?
    private let transport: HTTPTransport

    init(
        _ settings: HubSettings, _ transport: HTTPTransport, report: @escaping @Sendable (FetchEvent) -> Void
    ) throws(HubError) {
        guard let endpoint = URL(string: settings.endpoint), endpoint.host() != nil,
            ["http", "https"].contains(endpoint.scheme?.lowercased())
        else { throw .invalidEndpoint(settings.shownEndpoint) }
        self.settings = settings
        self.transport = transport
        self.report = report
        self.endpoint = endpoint
        token = try settings.token()
    }

    /// The commit that a revision names, and its files.
    func listing(_ source: Source) async throws(HubError) -> HubListing {
        let path = "api/models/\(source.repository)/revision/\(escaped(source.revision, keepsSlashes: false))"
        let url = try url(path + "?blobs=true")
        let exchange = Exchange(source: source, timeout: settings.metadataTimeout)
        return try await retrying { () async throws(HubError) in
            let response = try await answer(url, exchange)
            let body: [UInt8]?
            do throws(HTTPFault) { body = try await response.bytes(limit: Self.listingLimit) } catch {
                throw failure(error, url, exchange)
            }
            guard let body else { throw .listingTooLarge(name: source.repository, limit: Self.listingLimit) }
            return try HubListing(body, name: source.repository, url: withoutSecrets(url.absoluteString))
        }
    }

    /// The checksum and size of a file whose listing does not say them.
    func metadata(_ file: String, of source: Source) async throws(HubError) -> (hash: ContentHash, size: Int) {
        let url = try fileURL(file, of: source)
        // What the hub itself says counts, not the storage that it leads to.
        let exchange = Exchange(
            method: .head, source: source, file: file, timeout: settings.metadataTimeout, leavesHub: false)
        let response = try await retrying { () async throws(HubError) in try await answer(url, exchange) }
        guard let hash = (response["X-Linked-Etag"] ?? response["ETag"]).flatMap(ContentHash.init),
            let size = (response["X-Linked-Size"] ?? response["Content-Length"]).flatMap({ Int($0) }),
            RemoteFile.sizes.contains(size)
        else { throw .noChecksum(name: source.repository, file: file) }
        return (hash, size)
    }

    /// The content of a file, from `offset` on where the server can do that.
    func content(_ file: String, of source: Source, from offset: Int) async throws(HubError) -> HTTPTransport.Response {
        let url = try fileURL(file, of: source)
        var exchange = Exchange(source: source, file: file, timeout: settings.downloadTimeout)
        if offset > 0 { exchange.headers["Range"] = "bytes=\(offset)-" }
        return try await retrying { [exchange] () async throws(HubError) in try await answer(url, exchange) }
    }

    /// Waits; ends early where the download is stopped.
    func pause(_ seconds: Double) async throws(HubError) {
        do { try await Task.sleep(for: .seconds(seconds)) } catch { throw .cancelled }
    }

    // MARK: One request

    private struct Exchange: Sendable {
        var method = HTTPTransport.Request.Method.get
        let source: Source
        var file: String?
        var headers: [String: String] = [:]
        let timeout: Int
        /// Whether a redirect into the storage is followed; else it is the answer.
        var leavesHub = true
    }

    private func retrying<Result>(
        _ body: () async throws(HubError) -> Result
    ) async throws(HubError) -> Result {
        var (attempt, delay) = (1, settings.firstDelay)
        while true {
            do throws(HubError) { return try await body() } catch {
                let wait = error.secondsToWait ?? delay
                guard attempt < error.attempts, wait <= Self.longestWait else { throw error }
                report(.retrying(error, seconds: wait))
                try await pause(wait)
                (attempt, delay) = (attempt + 1, 2 * delay)
            }
        }
    }

    private func answer(_ start: URL, _ exchange: Exchange) async throws(HubError) -> HTTPTransport.Response {
        var url = start
        for _ in 0...Self.redirectLimit {
            var request = HTTPTransport.Request(
                method: exchange.method, url: url, headers: exchange.headers, timeout: exchange.timeout)
            request.headers["User-Agent"] = "graft"
            // Lengths and ranges are those of the file, not of a compressed form.
            request.headers["Accept-Encoding"] = "identity"
            if let token, isHub(url) { request.headers["Authorization"] = "Bearer \(token)" }
            let response: HTTPTransport.Response
            do throws(HTTPFault) { response = try await transport.send(request) } catch {
                throw failure(error, url, exchange)
            }
            guard [301, 302, 303, 307, 308].contains(response.status) else {
                let refusesRange = response.status == 416 && exchange.headers["Range"] != nil
                if response.status < 300 || refusesRange { return response }
                throw refusal(response, url, exchange)
            }
            let next = try target(response["Location"], of: url)
            if !exchange.leavesHub, !isHub(next) || response["X-Linked-Etag"] != nil { return response }
            url = next
        }
        throw .tooManyRedirects(url: withoutSecrets(start.absoluteString), limit: Self.redirectLimit)
    }

    private func target(_ location: String?, of url: URL) throws(HubError) -> URL {
        guard let location, let next = URL(string: location, relativeTo: url)?.absoluteURL, next.host() != nil,
            let scheme = next.scheme?.lowercased(), scheme == "https" || scheme == url.scheme?.lowercased()
        else {
            throw .badRedirect(url: withoutSecrets(url.absoluteString), location: location.map(withoutSecrets))
        }
        return next
    }

    private func isHub(_ url: URL) -> Bool {
        func port(_ url: URL) -> Int { url.port ?? (url.scheme?.lowercased() == "https" ? 443 : 80) }
        return url.scheme?.lowercased() == endpoint.scheme?.lowercased()
            && url.host()?.lowercased() == endpoint.host()?.lowercased() && port(url) == port(endpoint)
    }

    private func failure(_ fault: HTTPFault, _ url: URL, _ exchange: Exchange) -> HubError {
        switch fault {
        case .timedOut: .timedOut(url: withoutSecrets(url.absoluteString), seconds: exchange.timeout)
        case .failed(let reason): .unreachable(host: url.host() ?? "", reason: reason)
        case .cancelled: .cancelled
        }
    }

    /// What an answer of 4xx or 5xx means.
    private func refusal(_ response: HTTPTransport.Response, _ url: URL, _ exchange: Exchange) -> HubError {
        let (name, tokenPath, endpoint) = (exchange.source.repository, settings.tokenPath, settings.shownEndpoint)
        let noRepository = HubError.repositoryNotFound(
            name: name, endpoint: endpoint, hasToken: token != nil, tokenPath: tokenPath)
        let message = response["X-Error-Message"].map { String($0.prefix(200)) }
        if !isHub(url), let file = exchange.file, [400, 401, 403].contains(response.status) {
            return .refusedLink(file: file, host: url.host() ?? "", code: response.status)
        }
        switch (response.status, response["X-Error-Code"]) {
        case (_, "GatedRepo"):
            return .gated(name: name, endpoint: endpoint, hasToken: token != nil, tokenPath: tokenPath)
        case (_, "RevisionNotFound"): return .revisionNotFound(name: name, revision: exchange.source.revision)
        case (_, "EntryNotFound"): return .fileNotFound(name: name, file: exchange.file ?? "")
        case (401, _) where token != nil && message?.hasPrefix("Invalid credentials") == true:
            return .refusedToken(name: name, tokenPath: tokenPath)
        case (_, "RepoNotFound"): return noRepository
        case (401, _), (403, _): return noRepository
        case (404, _): return exchange.file.map { .fileNotFound(name: name, file: $0) } ?? noRepository
        case (429, _):
            let seconds = response["Retry-After"].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
            return .rateLimited(host: url.host() ?? "", seconds: seconds)
        default: return .status(url: withoutSecrets(url.absoluteString), code: response.status, message: message)
        }
    }

    // MARK: Addresses

    private func fileURL(_ file: String, of source: Source) throws(HubError) -> URL {
        let revision = escaped(source.revision, keepsSlashes: false)
        return try url("\(source.repository)/resolve/\(revision)/\(escaped(file, keepsSlashes: true))")
    }

    private func url(_ path: String) throws(HubError) -> URL {
        guard let url = URL(string: "\(settings.endpoint)/\(path)") else {
            throw .invalidEndpoint(settings.shownEndpoint)
        }
        return url
    }

    private func escaped(_ text: String, keepsSlashes: Bool) -> String {
        text.utf8.map { byte in
            let character = Character(Unicode.Scalar(byte))
            let isPlain = byte < 0x80 && (character.isLetter || character.isNumber || "-._~".contains(character))
            if isPlain || keepsSlashes && character == "/" { return String(character) }
            return "%" + hexadecimal([byte]).uppercased()
        }.joined()
    }
}

/// An address as messages show it: without the query, which may be a signature, and without user and password.
private func withoutSecrets(_ address: String) -> String {
    let address = address.prefix { $0 != "?" && $0 != "#" }
    let start = address.firstRange(of: "://")?.upperBound ?? address.startIndex
    guard let at = address[start...].prefix(while: { $0 != "/" }).lastIndex(of: "@") else { return String(address) }
    return String(address[..<start] + address[address.index(after: at)...])
}

extension HubSettings {
    fileprivate var shownEndpoint: String { withoutSecrets(endpoint) }
}

extension HubError {
    /// How often a request is made that fails in this way.
    fileprivate var attempts: Int {
        switch self {
        case .rateLimited: 5
        case .status(_, let code, _): [408, 500, 502, 503, 504].contains(code) ? 5 : 1
        case .unreachable, .timedOut: 3
        default: 1
        }
    }

    /// What the server asks for.
    fileprivate var secondsToWait: Double? {
        if case .rateLimited(_, let seconds?) = self { Double(seconds) } else { nil }
    }
}
