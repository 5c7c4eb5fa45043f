using System.Text;

namespace CcExport.Engine.Store;

/// <summary>
/// The files of a store that several machines share (spools, rejections, fingerprints) lie in one folder that all of them reach. It carries the store's id, so that no
/// machine takes a folder of its own for it: a run taken over there would find nothing.
/// </summary>
internal static class SharedFolder
{
    public static string MarkOf(CcHome home) => Path.Combine(home.Root, "store.id");

    /// <summary>Which store the folder belongs to; null: none yet.</summary>
    public static Guid? Read(CcHome home)
    {
        try
        {
            return Guid.TryParse(File.ReadAllText(MarkOf(home)), out Guid id) ? id : throw OfAnother(home);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
    }

    public static void Write(CcHome home, Guid store)
    {
        home.EnsureCreated();
        try
        {
            using (FileStream mark = CcHome.CreateFile(MarkOf(home), FileMode.Create, FileAccess.Write, FileShare.Read))
            {
                mark.Write(Encoding.ASCII.GetBytes(store.ToString()));
                mark.Flush(flushToDisk: true);
            }
            Durable.FlushDirectory(home.Root);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
    }

    public static CcException OfAnother(CcHome home) => new("HomeOfAnotherStore", CcErrorKind.Storage, $"The folder '{home.Root}' holds the files of another store.",
        $"Set {CcHome.Variable} to the folder that belongs to this one.")
    { Subject = home.Root };

    public static CcException HasStore(CcHome home) => new("HomeHasStore", CcErrorKind.Storage, $"The folder '{home.Root}' holds a store of its own, with runs whose numbers name its files.",
        $"Move-CcStore -FromHome brings it into the database that CCEXPORT_STORE names. To begin with an empty store, set {CcHome.Variable} to an empty folder that all machines reach.")
    { Subject = home.Root };

    public static CcException IsShared(CcHome home) => new("StoreIsShared", CcErrorKind.Storage, $"The folder '{home.Root}' holds the files of a store that lies in PostgreSQL.",
        "Set the environment variable CCEXPORT_STORE to the connection string of that database.")
    { Subject = home.Root };

    /// <param name="known">Where the files lie, as the machine that first used the store calls it.</param>
    public static CcException NotShared(CcHome home, string known, Guid store) => new("HomeNotShared", CcErrorKind.Storage,
        $"The files of this store lie elsewhere ({known}), and '{home.Root}' is another folder.",
        $"Set {CcHome.Variable} to that folder, which all machines of the store must reach. If it is lost for good, put a file store.id with the text {store} into the new one.")
    { Subject = home.Root };
}
