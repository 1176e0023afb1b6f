import FoundationEssentials
public import SystemPackage

/// What the environment says about the hub: where it is, who asks, and how long an answer may take.
///
/// Source: huggingface_hub, "Environment variables".
public struct HubSettings: Sendable {
    /// `HF_ENDPOINT`, without a slash at its end.
    public let endpoint: String
    /// The file that holds the token where `HF_TOKEN` does not: `HF_TOKEN_PATH`, else `token` in `HF_HOME`.
    public let tokenPath: FilePath
    /// Whether a bar may be drawn: `HF_HUB_DISABLE_PROGRESS_BARS`.
    public let showsProgress: Bool
    /// `HF_HUB_ETAG_TIMEOUT`: seconds to wait for a listing or for what is said about a file.
    let metadataTimeout: Int
    /// `HF_HUB_DOWNLOAD_TIMEOUT`: seconds to wait for the next bytes of a file.
    let downloadTimeout: Int
    /// Seconds before the first repetition of a request that failed; doubles with each.
    let firstDelay: Double
    let proxies: ProxySettings
    /// The certificates of the authorities to trust where they are not the system's.
    let certificates: String?
    private let environmentToken: String?

    public init(environment: [String: String], firstDelay: Double = 1) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        func seconds(_ name: String) -> Int { value(name).flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? 10 }
        var endpoint = value("HF_ENDPOINT") ?? "https://huggingface.co"
        while endpoint.hasSuffix("/") { endpoint.removeLast() }
        self.endpoint = endpoint
        tokenPath =
            value("HF_TOKEN_PATH").map { FilePath(expandingHome: $0, environment) }
            ?? Self.home(environment).appending("token")
        showsProgress = !isTrue(environment["HF_HUB_DISABLE_PROGRESS_BARS"])
        metadataTimeout = seconds("HF_HUB_ETAG_TIMEOUT")
        downloadTimeout = seconds("HF_HUB_DOWNLOAD_TIMEOUT")
        proxies = ProxySettings(environment: environment)
        certificates = value("SSL_CERT_FILE") ?? value("REQUESTS_CA_BUNDLE")
        environmentToken = value("HF_TOKEN") ?? value("HUGGING_FACE_HUB_TOKEN")
        self.firstDelay = firstDelay
    }

    /// `HF_HOME`, else `huggingface` in the user's cache.
    static func home(_ environment: [String: String]) -> FilePath {
        func value(_ name: String) -> FilePath? {
            environment[name].flatMap { $0.isEmpty ? nil : FilePath(expandingHome: $0, environment) }
        }
        return value("HF_HOME") ?? value("XDG_CACHE_HOME")?.appending("huggingface")
            ?? (value("HOME") ?? "/").appending(".cache/huggingface")
    }

    /// The user's token, where there is one. It is read when it is needed.
    func token() throws(HubError) -> String? {
        let stored = FileManager.default.contents(atPath: tokenPath.string).map { String(decoding: $0, as: UTF8.self) }
        let text = environmentToken ?? stored ?? ""
        let token = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard token.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw .invalidToken(source: environmentToken == nil ? tokenPath.string : "HF_TOKEN")
        }
        return token.isEmpty ? nil : token
    }
}

/// A switch as Hugging Face's libraries read it.
func isTrue(_ value: String?) -> Bool { ["1", "ON", "YES", "TRUE"].contains((value ?? "").uppercased()) }

extension FilePath {
    /// A path that may begin with `~/`, as a variable that no shell has read does.
    init(expandingHome text: String, _ environment: [String: String]) {
        guard text.hasPrefix("~/"), let home = environment["HOME"] else {
            self.init(text)
            return
        }
        self = FilePath(home).appending(String(text.dropFirst(2)))
    }
}
