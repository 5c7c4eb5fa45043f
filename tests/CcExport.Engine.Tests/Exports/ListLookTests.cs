using System.Text;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Simulator;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>A look at a list knows how many members it has, and has each of them once.</summary>
public sealed class ListLookTests
{
    private static async Task<ListState> LookAsync(TestEngine test, long? told, MemberKeep members)
    {
        ConnectionRecord connection = (await test.Store.Connections.FindAsync("acme", default))!;
        await using var client = new ConstantContactClient(test.Parts.Wire, connection);
        using ListMemory memory = await ListMemory.OpenAsync(test.Parts, "E", connection, test.ListId, forget: false, default);
        var look = new ListLook(client, new ListReader(client, test.Parts.Time, test.Parts.Upload), new RunReporter(test.Watcher, test.Parts.Time), test.Parts.LookContacts);
        return await look.LookAsync(new ContactList { ListId = test.ListId, Name = "People", MembershipCount = told }, memory, whole: true, members, default);
    }

    private static async Task<List<string>> KeptAsync(MemberKeep members)
    {
        List<string> kept = [];
        await AddressPieces.ReadAsync(members.Spool, MemberKeep.FirstPiece, members.Addresses.Pieces, piece =>
        {
            var row = new AddressReader(piece.Span);
            while (row.Next()) kept.Add(Encoding.UTF8.GetString(row.Address));
        }, default);
        return kept;
    }

    [Theory]
    [InlineData(null, 7)]
    [InlineData(9, 9)]
    public async Task Members_are_counted_where_the_service_does_not_say_how_many_there_are(int? told, int members)
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.Set(s => (s.JobDurationMs, s.JobStartDelayMs) = (1, 0));
        for (int i = 1; i <= 7; i++) test.Simulator.State.AddContact($"person{i}@example.com", listIds: [test.ListId]);
        using var keep = new MemberKeep(test.Parts);
        using ListState state = await LookAsync(test, told, keep);
        Assert.Equal(members, state.Members!.Value);
        Assert.Equal(7, state.Others!.Count);
        Assert.Equal(7, (await KeptAsync(keep)).Count);
    }

    private static string Contact(int i) => $$"""{ "contact_id": "{{Guid.NewGuid()}}", "email_address": { "address": "person{{i}}@example.com" } }""";

    /// <summary>What the next page of contacts is.</summary>
    private static void Page(TestEngine test, string links, params int[] people)
        => test.Simulator.State.AddFault(Fault(FaultKind.Status, path: "/v3/contacts", status: 200, body: $$"""{ "contacts": [ {{string.Join(", ", people.Select(Contact))}} ]{{links}} }"""));

    /// <summary>Whoever is added or changed while pages are read moves others from one to the next.</summary>
    [Fact]
    public async Task A_contact_that_two_pages_hold_is_kept_once()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Page(test, """, "_links": { "next": { "href": "/v3/contacts?cursor=two" } }""", 1, 2);
        Page(test, "", 2, 3);
        using var keep = new MemberKeep(test.Parts);
        using ListState state = await LookAsync(test, 3, keep);
        Assert.Equal(["person1@example.com", "person2@example.com", "person3@example.com"], await KeptAsync(keep));
        Assert.Equal(3, keep.Addresses.Count);
        Assert.Equal(3, state.Others!.Count);
    }
}
