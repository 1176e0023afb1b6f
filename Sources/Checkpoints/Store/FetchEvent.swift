/// What a fetch tells while it runs.
public enum FetchEvent: Equatable, Sendable {
    /// A line for the user.
    case note(String)
    /// A request failed and is made again after some seconds.
    case retrying(HubError, seconds: Double)
    /// Bytes that are here, of all that are needed; `received` came in this run.
    case transferred(bytes: Int, of: Int, received: Int)
}

/// What to fetch, beside the name.
public struct FetchOptions: Equatable, Sendable {
    /// The name in the store; `nil` takes that of the source.
    public var name: String?
    /// A branch, a tag or a commit; `nil` is `main`.
    public var revision: String?
    /// Patterns of the files to download; empty chooses those that Graft needs.
    public var include: [String] = []
    /// Patterns of the files to leave out.
    public var exclude: [String] = []
    /// Asks the hub for a newer commit, even if the model is in the store.
    public var updates = false

    public init() {}
}
