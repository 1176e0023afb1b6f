import Checkpoints
import FoundationEssentials
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite("ModelStore")
struct ModelStoreTests {
    private let directory: TemporaryDirectory
    private let store: ModelStore
    init() throws {
        directory = try TemporaryDirectory()
        store = ModelStore(root: directory("hub"))
    }

    private func add(_ repository: String, revision: String = "abc") throws {
        let folder = "hub/models--" + repository.split(separator: "/").joined(separator: "--")
        try directory.write(revision + "\n", to: "\(folder)/refs/main")
        try directory.write("{}", to: "\(folder)/snapshots/\(revision)/config.json")
    }

    @Test("the place of the store follows Hugging Face's variables, the first one that is set")
    func root() {
        func root(_ environment: [String: String]) -> FilePath { ModelStore(environment: environment).root }
        let all = ["HF_HUB_CACHE": "/a", "HF_HOME": "/b", "XDG_CACHE_HOME": "/c", "HOME": "/d"]
        #expect(root(all) == "/a")
        #expect(root(all.filter { $0.key != "HF_HUB_CACHE" }) == "/b/hub")
        #expect(root(["XDG_CACHE_HOME": "/c", "HOME": "/d"]) == "/c/huggingface/hub")
        #expect(root(["HF_HOME": "", "HOME": "/d"]) == "/d/.cache/huggingface/hub")
        #expect(ModelStore(environment: ["HF_HUB_OFFLINE": "1"]).isOffline)
        #expect(!ModelStore(environment: ["HF_HUB_OFFLINE": "0"]).isOffline)
        #expect(ModelStore(environment: ["TRANSFORMERS_OFFLINE": "yes"]).isOffline)
        #expect(root(["HF_HUB_CACHE": "~/a", "HOME": "/d"]) == "/d/a")
    }

    @Test("a model is found by its whole name and by the last part of it")
    func resolution() throws {
        try add("org/model")
        try add("plain")
        #expect(try store.resolve("org/model").path == directory("hub/models--org--model/snapshots/abc"))
        #expect(try store.resolve("model").path == directory("hub/models--org--model/snapshots/abc"))
        #expect(try store.resolve("plain").path == directory("hub/models--plain/snapshots/abc"))
        #expect(store.repositories.sorted() == ["org/model", "plain"])
        #expect(try store.resolve(directory.path.string).path == directory.path)
    }

    @Test("a name that two organizations share, or that nobody has, is refused")
    func refusals() throws {
        try add("one/model")
        try add("two/model")
        #expect(throws: StoreError.ambiguous(name: "model", repositories: ["one/model", "two/model"])) {
            try store.resolve("model")
        }
        #expect(throws: StoreError.notFound(name: "other", store: store.root, isKnown: false)) {
            try store.resolve("other")
        }
        #expect(throws: StoreError.notFound(name: "all-MiniLM-L6-v2", store: store.root, isKnown: true)) {
            try store.resolve("all-MiniLM-L6-v2")
        }
    }

    @Test("a reference that leads out of the store, or to files that are not there, does not count")
    func badReferences() throws {
        try add("org/model")
        try directory.write("../../../elsewhere", to: "hub/models--org--model/refs/main")
        #expect(store.repositories == [])
        try directory.write("def", to: "hub/models--org--model/refs/main")
        #expect(store.repositories == [])
    }

    /// Without a network: what would ask the hub fails.
    private func fetch(_ source: String, as name: String? = nil) async throws(StoreError) -> ModelStore.Fetched {
        var options = FetchOptions()
        options.name = name
        let hub = HubSettings(environment: ["HF_ENDPOINT": "none"])
        return try await ModelStore(root: store.root, hub: hub).fetch(source, options)
    }

    @Test("a directory is brought into the store whole; a second one of the name is refused")
    func directories() async throws {
        let model = try TinyModel.make(in: directory, named: "tiny")
        let fetched = try await fetch(model.string, as: "me/tiny")
        #expect(fetched.repository == "me/tiny" && !fetched.wasPresent)
        #expect(try store.resolve("tiny").path == fetched.path)
        #expect(contents(of: fetched.path.appending("vocab.txt")) == contents(of: model.appending("vocab.txt")))
        await #expect(throws: StoreError.nameTaken(name: "me/tiny", fetched.path)) {
            try await fetch(model.string, as: "me/tiny")
        }
        let again = try await fetch("me/tiny")
        #expect(again.wasPresent)
    }

    @Test("of several models below a directory the highest is taken, whole but for folders such as .git")
    func nestedModels() async throws {
        let model = try TinyModel.make(in: directory, named: "tiny")
        for folder in ["2_Dense", "checkpoint-500", ".git"] {
            for file in ["config.json", "model.safetensors"] {
                try directory.write(contents(of: model.appending(file)) ?? [], to: "tiny/\(folder)/\(file)")
            }
        }
        let path = try await fetch(model.string, as: "me/tiny").path
        #expect(contents(of: path.appending("vocab.txt")) == contents(of: model.appending("vocab.txt")))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: path.string).sorted() == [
                "2_Dense", "checkpoint-500", "config.json", "model.safetensors", "vocab.txt",
            ])
    }

    @Test("an imported model without a tokenizer is complete")
    func noTokenizer() async throws {
        let model = try TinyModel.make(in: directory, named: "tiny")
        try FileManager.default.removeItem(atPath: model.appending("vocab.txt").string)
        _ = try await fetch(model.string, as: "me/tiny")
        #expect(try await fetch("me/tiny").wasPresent)
        #expect(try await fetch("tiny").wasPresent)
    }

    @Test("a known model that lacks its weights is not taken for present")
    func incompleteKnownModel() async throws {
        try add("sentence-transformers/all-MiniLM-L6-v2")
        let offline = ModelStore(root: directory("hub"), isOffline: true)
        await #expect(throws: StoreError.offline(name: "all-MiniLM-L6-v2")) {
            try await offline.fetch("all-MiniLM-L6-v2")
        }
    }

    @Test("what holds no model, has no valid name, or is not known is refused, and leaves nothing behind")
    func invalidSources() async throws {
        try directory.write("x", to: "empty/readme")
        let path = directory("empty")
        await #expect(throws: StoreError.noModelInside(path)) { try await fetch(path.string) }
        for name in ["a/b/c", "../x", "a b", "", "a--b"] {
            await #expect(throws: StoreError.invalidName(name)) {
                try await fetch(path.string, as: name)
            }
        }
        await #expect(throws: StoreError.hub(.invalidEndpoint("none"))) { try await fetch("org/unknown") }
        await #expect(throws: StoreError.checkpoint(.unreadable("org/absent.zip", .noSuchFileOrDirectory))) {
            try await fetch("org/absent.zip")
        }
        let offline = ModelStore(root: directory("hub"), isOffline: true)
        await #expect(throws: StoreError.offline(name: "all-MiniLM-L6-v2")) {
            try await offline.fetch("all-MiniLM-L6-v2")
        }
        let archive = try directory.write("not an archive", to: "broken.zip")
        do {
            _ = try await fetch(archive.string)
            Issue.record("a broken archive was accepted")
        } catch {
            guard case .archive(archive, _) = error else { throw error }
        }
        #expect(store.repositories == [])
        #expect(names(in: "hub").allSatisfy { !$0.hasPrefix(".graft-") })
    }

    private func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory(folder).string)) ?? []
    }

    @Test("what a killed run has left is removed by the next fetch, and what a running one uses is not")
    func abandoned() async throws {
        let model = try TinyModel.make(in: directory, named: "tiny")
        try directory.write("x", to: "hub/.graft-1/file")
        try directory.write("x", to: "hub/.graft-2/file")
        let lock = try FileDescriptor.open(directory("hub/.graft-2"), .readOnly)
        #expect(flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0)
        _ = try await fetch(model.string, as: "me/tiny")
        #expect(names(in: "hub").filter { $0.hasPrefix(".graft-") } == [".graft-2"])
        try lock.close()
        _ = try await fetch(model.string, as: "me/other")
        #expect(names(in: "hub").filter { $0.hasPrefix(".graft-") } == [])
    }
}
