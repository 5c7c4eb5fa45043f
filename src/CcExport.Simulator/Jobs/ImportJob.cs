using System.Runtime.CompilerServices;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Jobs;

/// <summary>A JSON import: keeps its rows and applies them when the clock says so.</summary>
internal sealed class ImportJob : Job
{
    private readonly int _rows;
    private readonly IReadOnlyList<string> _listIds;
    private readonly IReadOnlyList<string> _reasons;
    private byte[] _data;

    public ImportJob(string id, long sequence, DateTimeOffset now, ImportRequest request)
        : base(id, sequence, now)
    {
        _data = request.Data;
        _rows = request.Rows;
        _reasons = request.Reasons;
        _listIds = request.ListIds;
        FileName = $"import_{sequence:D6}.json";
    }

    public string FileName { get; }

    /// <summary>The request as it came, where imports are kept.</summary>
    public byte[]? Body { get; init; }

    public IReadOnlyList<string> ListIds => _listIds;

    public override string Kind => "contacts_json_import";

    public override int Rows => _rows;

    public override bool HasRowCounters => true;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Work(Account account, SimulatorSwitches switches, DateTimeOffset now, double part)
    {
        List<ContactList> lists = [.. _listIds.Select(account.List).Where(l => l is { DeletedAt: null }).Select(l => l!)];
        if (lists.Count < _listIds.Count)
        {
            State = JobState.Failed;
            Messages.Add("One or more lists do not exist.");
            return;
        }

        int rows = (int)Math.Ceiling(_rows * part);
        var act = new MembershipAct(now, MembershipCause.Import, Id, switches);
        var cursor = new RowCursor(_data);
        for (int row = 0; row < rows && cursor.Next(); row++)
        {
            RowFate fate = cursor.Fate;
            string reason;
            if (fate == RowFate.Good) fate = Apply(account, act, cursor, lists, out reason);
            else reason = _reasons[cursor.Reason];
            if (fate == RowFate.Correctable) Correctable++;
            if (fate == RowFate.Error) Errors++;

            // Line 1 is the header of the CSV that the service makes of it.
            if (fate != RowFate.Good && Messages.Count < switches.ErrorLineCap) Messages.Add($"Line {row + 2}: {reason}");
        }

        ItemsTotal = _rows + (switches.CountHeaderRow ? 1 : 0);
        ItemsCompleted = rows;
    }

    public override void Release() => _data = [];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private RowFate Apply(Account account, in MembershipAct act, RowCursor row, List<ContactList> lists, out string reason)
    {
        reason = "";
        int stamp = (int)Sequence;
        SimulatorSwitches switches = act.Switches;
        ContactStore contacts = account.Contacts;
        int hash = ContactStore.HashOf(row.Email);
        int index = contacts.Find(row.Email, hash);
        bool isNew = index < 0 || contacts[index].Deleted;
        if (isNew && switches is { ContactLimit: { } limit, ContactLimitMode: ContactLimitMode.RefuseRows }
            && account.ActiveContacts >= limit)
        {
            reason = "The contact limit of the plan is reached";
            return RowFate.Error;
        }

        if (index < 0)
        {
            index = account.AddContact(row.Email, hash, row.Fields, Permission.Implicit, act.At.UtcTicks);
        }
        else
        {
            ref ContactRow known = ref contacts[index];
            if (known.Permission == Permission.Unsubscribed)
            {
                if (known.LastImport != stamp) Persons++;
                known.LastImport = stamp;
                CannotAdd++;
                return RowFate.Good;
            }

            if (known.LastImport == stamp && switches.Duplicates == DuplicateMode.FirstWins) return RowFate.Good;
            account.Revive(index, act.At);
            if (!row.Fields.IsEmpty) account.Change(index, row.Fields, act.At);
        }

        if (contacts[index].LastImport != stamp) Persons++;
        contacts[index].LastImport = stamp;
        foreach (ContactList list in lists) account.Join(index, list, act);
        return RowFate.Good;
    }
}
