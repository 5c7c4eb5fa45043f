using System.Net;
using System.Reflection;
using System.Text;
using CcExport.Simulator.Api;

namespace CcExport.Simulator.Page;

/// <summary>The page at <c>/</c>: one file, nothing fetched from anywhere but the simulator itself.</summary>
internal static class StatePage
{
    public static void Map(IEndpointRouteBuilder routes, SimulatorOptions options)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("page.html")!;
        using var reader = new StreamReader(stream);
        byte[] page = Encoding.UTF8.GetBytes(
            reader.ReadToEnd().Replace("{{title}}", WebUtility.HtmlEncode(options.PageTitle), StringComparison.Ordinal));
        routes.MapGet("/", context => Reply.Send(context, 200, "text/html; charset=utf-8", page));
    }
}
