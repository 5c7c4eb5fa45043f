using System.Management.Automation;
using System.Text;
using CcExport.Engine;

namespace CcExport;

/// <summary>Writes connections, sources, exports and their schedules as one text, to be kept, compared and imported elsewhere.</summary>
/// <remarks>
/// The text is JSON with comments, in an order that stays, so that two of them can be compared line by line. There is no secret and no token in it: of a connection only its name
/// and settings, of a source only its place and the name of what opens it. History is not in it either. Nothing goes over the network.
/// </remarks>
/// <example><code>Export-CcConfiguration -Path ./ccexport.jsonc</code><para>Keeps the configuration in a file.</para></example>
/// <example><code>Export-CcConfiguration | Select-String schedule</code><para>Without a path the text goes to the pipeline.</para></example>
[Cmdlet(VerbsData.Export, "CcConfiguration", SupportsShouldProcess = true)]
[OutputType(typeof(string))]
public sealed class ExportCcConfigurationCommand : CcCmdlet
{
    /// <summary>The file to write, or to write over. Without it the text is returned.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        if (Path is null)
        {
            WriteObject(Await((engine, ct) => engine.WriteConfigurationAsync(ct)));
            return;
        }
        string file = Paths.Resolve(SessionState, Path);
        if (!ShouldProcess(file, "Write the configuration")) return;
        string text = Await((engine, ct) => engine.WriteConfigurationAsync(ct));
        string beside = $"{file}.{Environment.ProcessId}.tmp";
        try
        {
            // Written beside and moved: a full disk must not cost the file there was.
            File.WriteAllText(beside, text, new UTF8Encoding(false));
            File.Move(beside, file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CcException("FileNotWritable", CcErrorKind.Storage, $"'{file}' cannot be written: {e.Message}", "Choose another path, or mend what the message names.", e) { Subject = file };
        }
        finally
        {
            try { File.Delete(beside); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { /* what prevents it prevented the writing, too */ }
        }
    }
}
