import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A web server on this machine whose answers a test decides, wrong ones included: what is sent is what the test says.
public final class LocalServer: Sendable {
    public struct Request: Sendable {
        public let method: String
        /// Without the query.
        public let path: String
        /// Names in small letters.
        public let headers: [String: String]

        public init(method: String, path: String, headers: [String: String]) {
            (self.method, self.path, self.headers) = (method, path, headers)
        }
    }

    public struct Response: Sendable {
        public var status: Int
        public var headers: [String: String]
        public var body: [UInt8]
        /// Ends the connection after so many bytes of the body.
        public var cutAfter: Int?
        /// Sends nothing more after so many bytes of the body, and keeps the connection.
        public var stallAfter: Int?

        public init(_ status: Int = 200, _ headers: [String: String] = [:], _ body: [UInt8] = []) {
            (self.status, self.headers, self.body) = (status, headers, body)
        }

        public init(_ status: Int = 200, _ headers: [String: String] = [:], _ text: String) {
            self.init(status, headers, Array(text.utf8))
        }

        fileprivate func bytes(forHead: Bool) -> [UInt8] {
            var lines = ["HTTP/1.1 \(status) Status"]
            let names = Set(headers.keys.map { $0.lowercased() })
            if !names.contains("content-length") { lines.append("Content-Length: \(body.count)") }
            lines += headers.map { "\($0): \($1)" }
            let sent = forHead ? [] : Array(body.prefix(cutAfter ?? stallAfter ?? body.count))
            return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + sent
        }
    }

    public typealias Answer = @Sendable (Request) -> Response

    /// Such as `http://127.0.0.1:8080`.
    public let address: String
    public let port: Int
    private let channel: any Channel
    private let state: State

    private final class State: Sendable {
        let requests = Mutex<[Request]>([])
        let answer: Mutex<Answer>
        init(_ answer: @escaping Answer) { self.answer = Mutex(answer) }
    }

    public init(_ answer: @escaping Answer = { _ in Response(404) }) throws {
        let state = State(answer)
        self.state = state
        channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes)))
                    try channel.pipeline.syncOperations.addHandler(Handler(state))
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        port = channel.localAddress?.port ?? 0
        address = "http://127.0.0.1:\(port)"
    }

    deinit { channel.close(promise: nil) }

    /// All requests so far.
    public var requests: [Request] { state.requests.withLock { $0 } }

    public func forgetRequests() { state.requests.withLock { $0 = [] } }

    /// Answers differently from now on.
    public func answer(_ answer: @escaping Answer) { state.answer.withLock { $0 = answer } }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = ByteBuffer

        private let state: State
        private var head: HTTPRequestHead?

        init(_ state: State) { self.state = state }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): self.head = head
            case .body: break
            case .end:
                guard let head else { return }
                let headers = Dictionary(
                    head.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
                let path = head.uri.split(separator: "?", omittingEmptySubsequences: false)[0]
                let request = Request(method: head.method.rawValue, path: String(path), headers: headers)
                state.requests.withLock { $0.append(request) }
                let response = state.answer.withLock { $0 }(request)
                let bytes = response.bytes(forHead: head.method == .HEAD)
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
                if response.cutAfter != nil { context.close(promise: nil) }
            }
        }
    }
}
