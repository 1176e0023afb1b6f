public import SystemPackage

/// What the hub, or the way to it, got wrong.
public enum HubError: Error, Equatable, Sendable {
    case invalidEndpoint(String)
    case invalidToken(source: String)
    case repositoryNotFound(name: String, endpoint: String, hasToken: Bool, tokenPath: FilePath)
    case revisionNotFound(name: String, revision: String)
    case fileNotFound(name: String, file: String)
    case gated(name: String, endpoint: String, hasToken: Bool, tokenPath: FilePath)
    case refusedToken(name: String, tokenPath: FilePath)
    /// The storage of another host, to which the hub led.
    case refusedLink(file: String, host: String, code: Int)
    case rateLimited(host: String, seconds: Int?)
    case status(url: String, code: Int, message: String?)
    case unreachable(host: String, reason: String)
    case timedOut(url: String, seconds: Int)
    case tooManyRedirects(url: String, limit: Int)
    case badRedirect(url: String, location: String?)
    case notJSON(url: String, found: String)
    case invalidListing(name: String, field: String, expected: String)
    case listingTooLarge(name: String, limit: Int)
    case unsafeName(name: String, file: String)
    case noChecksum(name: String, file: String)
    case interrupted(file: String, received: Int, expected: Int, reason: String)
    case wrongLength(file: String, expected: Int)
    case wrongChecksum(file: String, found: String, expected: String)
    case noModel(name: String, missing: String, found: [String])
    case missingShard(name: String, index: String, file: String)
    case cancelled
}

extension HubError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .invalidEndpoint(let text):
            "HF_ENDPOINT is \"\(text)\"; expected the address of a hub, such as https://huggingface.co."
        case .invalidToken(let source):
            "\(source): not a token; expected one line of letters, digits and '_', as the hub hands it out."
        case .repositoryNotFound(let name, let endpoint, let hasToken, let tokenPath):
            "\(name): \(endpoint) has no model of this name, or it is private. Check the spelling"
                + (hasToken
                    ? ", and that your token may read it."
                    : "; for a private one put your token into HF_TOKEN or \(tokenPath).")
        case .revisionNotFound(let name, let revision):
            "\(name): has no revision \"\(revision)\"; expected a branch, a tag or a commit of it."
        case .fileNotFound(let name, let file):
            "\(name): the hub lists \(file) but does not have it. Run again later, or leave it out with --exclude."
        case .gated(let name, let endpoint, let hasToken, let tokenPath):
            "\(name): only for those who have asked for access. Accept its terms at \(endpoint)/\(name), then "
                + (hasToken
                    ? "run again; your token has no access yet."
                    : "put your token into HF_TOKEN or \(tokenPath) and run again.")
        case .refusedToken(let name, let tokenPath):
            "\(name): the hub does not accept the token of HF_TOKEN or \(tokenPath). Put a valid one there, or none."
        case .refusedLink(let file, let host, let code):
            "\(file): the storage \(host) answers \(code) to the hub's link, which may have expired. Run again for a new one; "
                + "what has been downloaded is kept."
        case .rateLimited(let host, let seconds):
            "\(host): too many requests. Run again in \(seconds.map { $0.counted("second") } ?? "a while"); "
                + "what has been downloaded is kept."
        case .status(let url, let code, let message):
            "\(url): the hub answers \(code)\(message.map { " (\($0))" } ?? ""). Run again later."
        case .unreachable(let host, let reason):
            "\(host): cannot be reached: \(reason). Check the network connection and the proxy settings (HTTPS_PROXY), "
                + "and run again."
        case .timedOut(let url, let seconds):
            "\(url): no answer within \(seconds) seconds. Run again, or set HF_HUB_ETAG_TIMEOUT and "
                + "HF_HUB_DOWNLOAD_TIMEOUT to more seconds."
        case .tooManyRedirects(let url, let limit):
            "\(url): leads on and on, more than \(limit) times. Run again later."
        case .badRedirect(let url, let location):
            "\(url): leads to \(location ?? "nowhere"); expected an address that is no less secure."
        case .notJSON(let url, let found):
            "\(url): answers with \(found); expected JSON. Does HF_ENDPOINT name a hub, and does the network ask for a login?"
        case .invalidListing(let name, let field, let expected):
            "\(name): the hub's list of files is not usable: \(field) is not \(expected)."
        case .listingTooLarge(let name, let limit):
            "\(name): the hub's list of files has more than \(limit >> 20) MB; such a repository is not read."
        case .unsafeName(let name, let file):
            "\(name): the hub lists a file named \(String(reflecting: file)), which leads elsewhere; "
                + "nothing was downloaded."
        case .noChecksum(let name, let file):
            "\(name): the hub gives no checksum and size for \(file), without which it cannot be verified. "
                + "Does HF_ENDPOINT name a hub?"
        case .interrupted(let file, let received, let expected, let reason):
            "\(file): \(received) of \(expected) bytes were downloaded: \(reason). Run again to continue there."
        case .wrongLength(let file, let expected):
            "\(file): longer than the \(expected) bytes that the hub announced; nothing was installed. Run again."
        case .wrongChecksum(let file, let found, let expected):
            "\(file): checksum \(found); expected \(expected). It was damaged on the way; nothing was installed. Run again."
        case .noModel(let name, let missing, let found):
            "\(name): has no \(missing), so this version cannot run it. It holds "
                + (found.isEmpty
                    ? "no files."
                    : found.prefix(8).joined(separator: ", ")
                        + (found.count > 8 ? " and \(found.count - 8) more." : "."))
                + " Choose files with --include."
        case .missingShard(let name, let index, let file):
            "\(name): \(index) names \(file), which the repository does not have. The model is not complete."
        case .cancelled: "the download was stopped."
        }
    }
}
