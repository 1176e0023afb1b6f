/// A model of the store or the hub: `NAME` or `ORGANIZATION/NAME`, and where wanted `@REVISION`.
public struct ModelReference: Equatable, Sendable {
    public let repository: String
    /// A branch, a tag or a commit.
    public let revision: String

    /// - Parameter revision: counts where the text has none.
    public init(_ text: String, revision: String? = nil) throws(StoreError) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        repository = parts[0]
        if parts.count == 2, let revision, revision != parts[1] {
            throw .invalidRevision(name: text, revision: revision)
        }
        self.revision = parts.count == 2 ? parts[1] : revision ?? "main"
        try ModelStore.checkName(repository)
        guard ModelStore.isSafePath(self.revision) else {
            throw .invalidRevision(name: repository, revision: self.revision)
        }
    }

    /// As the user writes it.
    public var text: String { revision == "main" ? repository : "\(repository)@\(revision)" }
}
