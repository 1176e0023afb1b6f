import FoundationEssentials
public import SystemPackage

/// The models on this machine, in Hugging Face's own cache, so that what Python has downloaded is found here and the
/// other way round.
///
/// Layout: `models--ORGANIZATION--NAME/refs/main` names a revision, `.../snapshots/REVISION` holds its files.
///
/// Source: huggingface_hub, "Understand caching".
public struct ModelStore: Sendable {
    /// The directory that holds the `models--` directories.
    public let root: FilePath

    /// Whether nothing may be downloaded.
    public let isOffline: Bool

    public init(root: FilePath, isOffline: Bool = false) {
        self.root = root
        self.isOffline = isOffline
    }

    /// The place that `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME` or `HOME` says, the first of them that is set;
    /// `HF_HUB_OFFLINE` forbids downloads.
    ///
    /// - Parameter environment: `nil` takes the process's own.
    public init(environment: [String: String]? = nil) {
        let environment = environment ?? ProcessInfo.processInfo.environment
        func value(_ name: String) -> FilePath? { environment[name].flatMap { $0.isEmpty ? nil : FilePath($0) } }
        root =
            value("HF_HUB_CACHE") ?? value("HF_HOME")?.appending("hub")
            ?? value("XDG_CACHE_HOME")?.appending("huggingface/hub")
            ?? (value("HOME") ?? "/").appending(".cache/huggingface/hub")
        isOffline = ["1", "ON", "YES", "TRUE"].contains((environment["HF_HUB_OFFLINE"] ?? "").uppercased())
    }

    /// The directory of a model: a path to one, else a model of the store.
    ///
    /// - Parameter name: a path, `ORGANIZATION/NAME`, or `NAME` where no two organizations of the store share it.
    public func resolve(_ name: String) throws(StoreError) -> ModelDirectory {
        var isDirectory = false
        if FileManager.default.fileExists(atPath: name, isDirectory: &isDirectory) {
            guard isDirectory else {
                throw .checkpoint(.unreadable(FilePath(name), .notDirectory))
            }
            return ModelDirectory(FilePath(name))
        }
        let matches = repositories.filter { $0 == name || $0.split(separator: "/").last.map(String.init) == name }
        let exact = matches.filter { $0 == name }
        let candidates = exact.isEmpty ? matches : exact
        if candidates.count > 1 { throw .ambiguous(name: name, repositories: candidates.sorted()) }
        guard let repository = candidates.first, let snapshot = snapshot(of: repository) else {
            throw .notFound(name: name, store: root, isKnown: KnownModel.named(name) != nil)
        }
        return ModelDirectory(snapshot)
    }

    /// The names of all models in the store.
    public var repositories: [String] {
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: root.string)) ?? []
        return folders.compactMap { folder in
            guard folder.hasPrefix("models--") else { return nil }
            let name = folder.dropFirst("models--".count).split(separator: "--", maxSplits: 1).joined(separator: "/")
            return snapshot(of: name) == nil ? nil : name
        }
    }

    func folder(of repository: String) -> FilePath {
        root.appending("models--" + repository.split(separator: "/").joined(separator: "--"))
    }

    /// The files of the main revision, where there are any.
    private func snapshot(of repository: String) -> FilePath? {
        let folder = folder(of: repository)
        guard let data = FileManager.default.contents(atPath: folder.appending("refs/main").string) else { return nil }
        let revision = String(decoding: data, as: UTF8.self).filter { !$0.isWhitespace }
        guard let component = FilePath.Component(revision) else { return nil }
        let path = folder.appending("snapshots").appending(component)
        return FileManager.default.fileExists(atPath: ModelDirectory(path).configuration.string) ? path : nil
    }

    /// Copies a model's files into the store: all of them or nothing.
    ///
    /// - Returns: where they are now.
    func install(_ source: FilePath, as repository: String, revision: String) throws(StoreError) -> FilePath {
        try Self.checkName(repository)
        let folder = folder(of: repository)
        let target = folder.appending("snapshots").appending(revision)
        do {
            try FileManager.default.createDirectory(
                atPath: target.removingLastComponent().string, withIntermediateDirectories: true)
            try FileManager.default.createDirectory(
                atPath: folder.appending("refs").string, withIntermediateDirectories: true)
        } catch { throw .checkpoint(.unwritable(folder, errorNumber(error))) }
        do throws(CheckpointError) {
            if !FileManager.default.fileExists(atPath: target.string) {
                let directory = try AtomicDirectory(target)
                try ModelDirectory(source).copy(Self.files(below: source), to: directory.temporary)
                try directory.commit()
            }
            // The reference comes last: without it the snapshot does not count.
            try AtomicFile.write(Array(revision.utf8), to: folder.appending("refs/main"))
        } catch { throw .checkpoint(error) }
        return target
    }

    static func files(below directory: FilePath) -> [FilePath] {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: directory.string)) ?? []
        return names.sorted().map { directory.appending($0) }.filter { path in
            var isDirectory = false
            return FileManager.default.fileExists(atPath: path.string, isDirectory: &isDirectory) && !isDirectory
        }
    }

    static func checkName(_ name: String) throws(StoreError) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isValid =
            (1...2).contains(parts.count)
            && parts.allSatisfy { part in
                !part.isEmpty && part != "." && part != ".." && !part.contains("--")
                    && part.utf8.allSatisfy { byte in
                        byte < 0x80
                            && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber)
                            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
                    }
            }
        if !isValid { throw .invalidName(name) }
    }
}
