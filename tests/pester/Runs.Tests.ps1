# Runs that are killed, gone on with, ended for good and waited for, as a person does it.
BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Folder = New-TempFolder
    $Simulator = Start-CcSimulator
    $null = $Simulator | New-CcConnection -AcceptDataPrivacy
    $Csv = Join-Path $Folder 'customers.csv'
    @('CustomerId,EMail,FirstName') + (1..3000 | ForEach-Object { "K$_,r$_@example.com,N$_" }) | Set-Content $Csv
    Set-CcExport Customers -Connection Simulator -ListId $Simulator.ListId -Path $Csv -Map @{ email = 'EMail'; first_name = 'FirstName' } -BatchSize 200

    function Set-Simulator([hashtable] $Options) {
        $null = Invoke-RestMethod "$($Simulator.Url)admin/options" -Method Post -ContentType application/json -Body ($Options | ConvertTo-Json)
    }
    function Get-Imports { @(Invoke-RestMethod "$($Simulator.Url)admin/activities" | ForEach-Object { $_ } | Where-Object Kind -EQ contacts_json_import) }
    function Set-Plan([string[]] $Outcomes) {
        $null = Invoke-RestMethod "$($Simulator.Url)admin/jobs/plan" -Method Post -ContentType application/json -Body (@{ outcomes = $Outcomes } | ConvertTo-Json)
    }

    # Starts an export in a process of its own, and kills that once some imports have arrived.
    function Start-Doomed([int] $Imports = 3) {
        $before = (Get-Imports).Count
        $child = Start-Process dotnet -ArgumentList 'pwsh', '-NoProfile', '-NonInteractive', '-Command', "Import-Module '$Manifest'; Invoke-CcExport Customers" -PassThru -RedirectStandardOutput (Join-Path $Folder 'doomed.txt') -WorkingDirectory $Root
        foreach ($try in 1..600) {
            if ((Get-Imports).Count -ge $before + $Imports) { break }
            Start-Sleep -Milliseconds 50
        }
        $child
    }
    function Stop-Doomed($Child) {
        $Child.Kill($true)
        $Child.WaitForExit()
    }
}

AfterAll {
    Stop-CcSimulator
    Remove-Item $Folder -Recurse -Force
}

Describe 'A run whose process was killed' {
    It 'is shown as interrupted with what to do, and goes on by the pipeline, sending nothing twice' {
        $child = Start-Doomed
        Stop-Doomed $child
        $run = Get-CcRun -Export Customers -Last 1
        $run.Status | Should -Be 'Interrupted'
        $run.Next | Should -Be "Resume-CcRun $($run.Id)"
        $run.Message | Should -BeLike "*Resume-CcRun -Id $($run.Id)*"
        ($run | Format-Table | Out-String -Width 200) | Should -BeLike "*Resume-CcRun $($run.Id)*"
        $done = $run | Resume-CcRun
        $done.Id | Should -Be $run.Id
        $done.Status, $done.Sent, $done.Accepted | Should -Be 'Completed', 3000, 3000
        @(Get-Imports).Count | Should -Be $done.Batches
        @(Get-Imports).Rows | Measure-Object -Sum | ForEach-Object Sum | Should -Be 3000
    }

    It 'is finished by invoking the export again, which says so' {
        $child = Start-Doomed
        Stop-Doomed $child
        $id = (Get-CcRun -Export Customers -Last 1).Id
        $run = Invoke-CcExport Customers -WarningVariable said -WarningAction SilentlyContinue
        $run.Id | Should -Be $id
        $run.Accepted | Should -Be 3000
        "$said" | Should -BeLike "*goes on now, and no new one is started*"
    }

    It 'is given up by -Fresh, with its numbers' {
        $child = Start-Doomed
        Stop-Doomed $child
        $id = (Get-CcRun -Export Customers -Last 1).Id
        $run = Invoke-CcExport Customers -Fresh -WarningVariable said -WarningAction SilentlyContinue
        $run.Id | Should -BeGreaterThan $id
        $run.Status | Should -Be 'Completed'
        $old = Get-CcRun $id
        $old.Status | Should -Be 'Canceled'
        $old.Accepted + $old.Refused + $old.Unaccounted | Should -Be 3000
        "$said" | Should -BeLike "*Run $id*is given up*"
    }

    It 'is ended for good by Stop-CcRun, and cannot go on' {
        $child = Start-Doomed
        Stop-Doomed $child
        $run = Get-CcRun -Export Customers -Last 1 | Stop-CcRun
        $run.Status | Should -Be 'Canceled'
        $run.Accepted + $run.Refused + $run.Unaccounted | Should -Be 3000
        { $run | Resume-CcRun -ErrorAction Stop } | Should -Throw -ErrorId 'RunEnded,CcExport.ResumeCcRunCommand'
        Get-ChildItem (Join-Path $env:CCEXPORT_HOME 'spool') -Recurse -File | Should -BeNullOrEmpty
    }
}

Describe 'A run in another process' {
    It 'is waited for' {
        $child = Start-Doomed 1
        $run = Get-CcRun -Export Customers -Last 1
        $run.Status | Should -Be 'Running'
        $run.Next | Should -Be "Wait-CcRun $($run.Id)"
        { $run | Wait-CcRun -Timeout 1 -ErrorAction Stop } | Should -Throw -ErrorId 'WaitTimeout,CcExport.WaitCcRunCommand'
        $done = $run | Wait-CcRun
        $done.Status, $done.Accepted | Should -Be 'Completed', 3000
        $child.WaitForExit()
    }

    It 'is named to a second runner, who may wait for it' {
        $child = Start-Doomed 1
        { Invoke-CcExport Customers -ErrorAction Stop } | Should -Throw -ErrorId 'RunInProgress,CcExport.InvokeCcExportCommand'
        $first = (Get-CcRun -Export Customers -Last 1).Id
        $run = Invoke-CcExport Customers -WaitForRunner -WarningAction SilentlyContinue
        $run.Id | Should -BeGreaterThan $first
        (Get-CcRun $first).Status | Should -Be 'Completed'
        $child.WaitForExit()
    }

    It 'is ended for good within seconds, from here' {
        $child = Start-Doomed 2
        $clock = [Diagnostics.Stopwatch]::StartNew()
        $run = Get-CcRun -Export Customers -Last 1 | Stop-CcRun
        $clock.Elapsed.TotalSeconds | Should -BeLessThan 15
        $run.Status | Should -Be 'Canceled'
        $run.Accepted + $run.Refused + $run.Unaccounted | Should -Be 3000
        $child.WaitForExit()
        Get-Content (Join-Path $Folder 'doomed.txt') -Raw | Should -BeLike '*Canceled*'
    }
}

Describe 'The day''s calls' {
    It 'park the run at once where nobody sits before the session, and a later invocation goes on' {
        $null = Invoke-RestMethod "$($Simulator.Url)admin/faults" -Method Post -ContentType application/json -Body (@{
                match  = @{ path = 'contacts_json_import'; nth = 3; count = 100 }
                effect = @{ kind = 'status'; status = 429; body = '{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}' }
            } | ConvertTo-Json)
        $run = Invoke-CcExport Customers -WarningVariable said -WarningAction SilentlyContinue
        $run.Status | Should -Be 'WaitingForQuota'
        "$said" | Should -BeLike '*00:00 UTC*'
        $null = Invoke-RestMethod "$($Simulator.Url)admin/faults" -Method Delete
        # Until the next day the ledger lets nothing out, and nothing is lost by trying.
        $again = $run | Resume-CcRun -WarningAction SilentlyContinue
        $again.Status | Should -Be 'WaitingForQuota'
        (Stop-CcRun $run.Id).Status | Should -Be 'Canceled'
    }
}

Describe 'Proof' {
    BeforeAll {
        # A home of its own: in the other one the key's day is at its end.
        $OldHome = $env:CCEXPORT_HOME
        $env:CCEXPORT_HOME = Join-Path $Folder 'proof'
        Stop-CcSimulator
        $Simulator = Start-CcSimulator
        $null = $Simulator | New-CcConnection -Name Other -AcceptDataPrivacy
        Set-CcExport Proof -Connection Other -ListId $Simulator.ListId -Path $Csv -Map @{ email = 'EMail'; first_name = 'FirstName' } -BatchSize 1000
    }

    AfterAll { $env:CCEXPORT_HOME = $OldHome }

    It 'of failed jobs: only what the list lacks goes once more' {
        Set-Plan 'Completed', 'PartialFailure', 'Failed'
        $run = Invoke-CcExport Proof -WarningVariable said -WarningAction SilentlyContinue
        $run.Status, $run.Accepted | Should -Be 'Completed', 3000
        "$said" | Should -BeLike '*sent once more*'
        @(Get-Imports).Count | Should -Be $run.Batches
    }

    It 'by reading the list back: who is not on it has a name' {
        Set-Simulator @{ emailMaxLength = 16; errorLineCap = 0 }
        $run = Invoke-CcExport Proof -WarningAction SilentlyContinue
        $run.Status | Should -Be 'CompletedWithErrors'
        $run.Refused | Should -BeGreaterThan 0
        $run | Get-CcRejection | ForEach-Object Reason | Select-Object -Unique | Should -Be 'RefusedUnnamed'
        # They were on the list before, so reading it back cannot tell them; the ones that are new it can.
        Set-Content (Join-Path $Folder 'new.csv') (@('CustomerId,EMail') + (1..20 | ForEach-Object { "X$_,new-person-$_@example.com" }) + 'X99,a@example.com')
        $new = Invoke-CcExport -Path (Join-Path $Folder 'new.csv') -Connection Other -ListId $Simulator.ListId -Map @{ email = 'EMail' } -WarningAction SilentlyContinue
        $new.Refused | Should -Be 20
        $new | Get-CcRejection | Measure-Object Count -Sum | ForEach-Object Sum | Should -Be 20
        $verified = $new | Resume-CcRun -Verify -WarningAction SilentlyContinue
        $verified.Id, $verified.Refused, $verified.Accepted | Should -Be $new.Id, 20, 1
        @($verified | Get-CcRejection).SourceKey | Sort-Object | Should -Be (1..20 | ForEach-Object { "X$_" } | Sort-Object)
        Set-Simulator @{ emailMaxLength = 80; errorLineCap = 50 }
    }
}
