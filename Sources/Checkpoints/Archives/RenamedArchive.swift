public import SystemPackage

/// An archive whose tensors are asked for by other names than its files give them.
public struct RenamedArchive: TensorArchive {
    private let archive: any TensorArchive
    public let entries: [TensorEntry]
    private let indices: [String: Int]

    /// - Parameter rename: the name of a tensor from its name in the files; `nil` leaves it out. Of two that get the same
    ///   name the first counts.
    public init(_ archive: any TensorArchive, _ rename: (String) -> String?) {
        self.archive = archive
        var entries: [TensorEntry] = []
        var indices: [String: Int] = [:]
        for entry in archive.entries {
            guard let name = rename(entry.name), indices[name] == nil else { continue }
            indices[name] = entries.count
            entries.append(
                TensorEntry(name: name, dataType: entry.dataType, shape: entry.shape, place: entry.place))
        }
        (self.entries, self.indices) = (entries, indices)
    }

    public var path: FilePath { archive.path }
    public var format: String { archive.format }
    public var files: [FilePath] { archive.files }
    public subscript(_ name: String) -> TensorEntry? { indices[name].map { entries[$0] } }
}
