import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Why no answer came, or not all of it.
enum HTTPFault: Error, Equatable {
    case timedOut
    case failed(String)
    case cancelled
}

/// Single exchanges over HTTP/1.1: no redirect is followed and nothing is tried again. The one file that knows the
/// library beneath.
final class HTTPTransport: Sendable {
    struct Request: Sendable {
        enum Method: Sendable { case get, head }
        var method = Method.get
        var url: URL
        var headers: [String: String] = [:]
        /// Seconds until the answer begins, and then between its parts.
        var timeout: Int
    }

    struct Response: Sendable {
        let status: Int
        private let headers: HTTPHeaders
        private let body: HTTPClientResponse.Body

        fileprivate init(_ response: HTTPClientResponse) {
            status = Int(response.status.code)
            headers = response.headers
            body = response.body
        }

        subscript(_ header: String) -> String? { headers.first(name: header) }

        var chunks: Chunks { Chunks(iterator: body.makeAsyncIterator()) }

        /// The whole body; `nil` where it is longer than `limit`.
        func bytes(limit: Int) async throws(HTTPFault) -> [UInt8]? {
            var chunks = chunks
            var bytes: [UInt8] = []
            while let chunk = try await chunks.next() {
                guard bytes.count + chunk.count <= limit else { return nil }
                bytes += chunk
            }
            return bytes
        }
    }

    /// The parts of a body as they come in.
    struct Chunks {
        fileprivate var iterator: HTTPClientResponse.Body.AsyncIterator

        mutating func next() async throws(HTTPFault) -> [UInt8]? {
            do { return try await iterator.next().map { Array($0.readableBytesView) } } catch { throw fault(error) }
        }
    }

    private struct Route: Hashable {
        let timeout: Int
        let proxy: ProxySettings.Proxy?
    }

    private let settings: HubSettings
    private let clients = Mutex<[Route: HTTPClient]>([:])

    init(_ settings: HubSettings) { self.settings = settings }

    func send(_ request: Request) async throws(HTTPFault) -> Response {
        var outgoing = HTTPClientRequest(url: request.url.absoluteString)
        outgoing.method = request.method == .get ? .GET : .HEAD
        for (name, value) in request.headers { outgoing.headers.add(name: name, value: value) }
        let client = client(Route(timeout: request.timeout, proxy: settings.proxies.proxy(for: request.url)))
        do { return Response(try await client.execute(outgoing, timeout: .seconds(Int64(request.timeout)))) } catch {
            throw fault(error)
        }
    }

    /// Ends all connections. Nothing can be sent afterwards.
    func close() async {
        let clients = clients.withLock { clients in
            defer { clients = [:] }
            return Array(clients.values)
        }
        for client in clients { try? await client.shutdown() }
    }

    private func client(_ route: Route) -> HTTPClient {
        clients.withLock { clients in
            if let client = clients[route] { return client }
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration(route))
            clients[route] = client
            return client
        }
    }

    private func configuration(_ route: Route) -> HTTPClient.Configuration {
        let timeout = TimeAmount.seconds(Int64(route.timeout))
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: timeout, read: timeout),
            decompression: .disabled)
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        if let proxy = route.proxy {
            let authorization = proxy.user.map { user in
                HTTPClient.Authorization.basic(username: user, password: proxy.password ?? "")
            }
            configuration.proxy = .server(host: proxy.host, port: proxy.port, authorization: authorization)
        }
        if let certificates = settings.certificates {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(certificates)
            configuration.tlsConfiguration = tls
        }
        return configuration
    }
}

private func fault(_ error: any Error) -> HTTPFault {
    if error is CancellationError { return .cancelled }
    guard let error = error as? HTTPClientError else { return .failed("\(error)") }
    return switch error {
    case .cancelled: .cancelled
    case .readTimeout, .connectTimeout, .deadlineExceeded, .tlsHandshakeTimeout, .httpProxyHandshakeTimeout,
        .getConnectionFromPoolTimeout:
        .timedOut
    case .remoteConnectionClosed: .failed("the connection was cut")
    default: .failed(error.shortDescription)
    }
}
