"""Symbol sets: an upload in its three steps, and what is seen of it."""

from __future__ import annotations

from hashlib import sha512

import httpx
from common import Place, typed
from healthtrack_client.api.error_tracking import (
    environments_error_tracking_symbol_sets_bulk_check_upload_create,
    environments_error_tracking_symbol_sets_bulk_delete_create,
    environments_error_tracking_symbol_sets_bulk_finish_upload_create,
    environments_error_tracking_symbol_sets_bulk_start_upload_create,
    environments_error_tracking_symbol_sets_download_retrieve,
    environments_error_tracking_symbol_sets_list,
    environments_error_tracking_symbol_sets_retrieve,
)
from healthtrack_client.models import (
    ErrorTrackingSymbolSet,
    ErrorTrackingSymbolSetBulkDeleteRequest,
    ErrorTrackingSymbolSetBulkDeleteResponse,
    ErrorTrackingSymbolSetBulkFinishRequest,
    ErrorTrackingSymbolSetBulkFinishRequestContentHashes,
    ErrorTrackingSymbolSetBulkStartResponse,
    ErrorTrackingSymbolSetCheckRequest,
    ErrorTrackingSymbolSetCheckResponse,
    ErrorTrackingSymbolSetDownload,
    ErrorTrackingSymbolSetStartRequest,
    ErrorTrackingSymbolSetSuccess,
    ErrorTrackingSymbolSetUploadItem,
    PaginatedErrorTrackingSymbolSetList,
    SymbolSetOrderEnum,
    SymbolSetStatusEnum,
)

bulk_check = environments_error_tracking_symbol_sets_bulk_check_upload_create
bulk_delete = environments_error_tracking_symbol_sets_bulk_delete_create
bulk_finish = environments_error_tracking_symbol_sets_bulk_finish_upload_create
bulk_start = environments_error_tracking_symbol_sets_bulk_start_upload_create
download = environments_error_tracking_symbol_sets_download_retrieve
symbol_sets_list = environments_error_tracking_symbol_sets_list
retrieve = environments_error_tracking_symbol_sets_retrieve

DATA = b"minified and map"
HASH = sha512(DATA).hexdigest()


def walk(place: Place) -> None:
    """Upload a set, find and fetch it, and delete it."""
    item = ErrorTrackingSymbolSetUploadItem("chunk-new", release_id=str(place.release), content_hash=HASH)
    asked = ErrorTrackingSymbolSetCheckRequest(symbol_sets=[item])
    missing = typed(
        ErrorTrackingSymbolSetCheckResponse, bulk_check.sync(place.project, client=place.client, body=asked)
    )
    assert missing.chunk_ids_to_upload == ["chunk-new"]
    id_ = upload(place, item)
    missing = typed(
        ErrorTrackingSymbolSetCheckResponse, bulk_check.sync(place.project, client=place.client, body=asked)
    )
    assert missing.chunk_ids_to_upload == []
    row = typed(ErrorTrackingSymbolSet, retrieve.sync(place.project, id_, client=place.client))
    assert (row.ref, row.has_uploaded_file, row.failure_reason) == ("chunk-new", True, None)
    assert row.release is not None
    assert row.release.id == place.release
    valid, order = SymbolSetStatusEnum.VALID, SymbolSetOrderEnum.CREATED_AT_DESCENDING
    page = symbol_sets_list.sync(place.project, client=place.client, search="new", status=valid, order_by=order)
    assert typed(PaginatedErrorTrackingSymbolSetList, page).results == [row]
    found = typed(ErrorTrackingSymbolSetDownload, download.sync(place.project, id_, client=place.client))
    assert httpx.get(found.url).content == DATA
    deletion = ErrorTrackingSymbolSetBulkDeleteRequest(ids=[row.id])
    done = bulk_delete.sync(place.project, client=place.client, body=deletion)
    assert typed(ErrorTrackingSymbolSetBulkDeleteResponse, done).deleted == 1


def upload(place: Place, item: ErrorTrackingSymbolSetUploadItem) -> str:
    """Begin, send and finish; return the id of the set."""
    body = ErrorTrackingSymbolSetStartRequest(symbol_sets=[item])
    answer = bulk_start.sync(place.project, client=place.client, body=body)
    started = typed(ErrorTrackingSymbolSetBulkStartResponse, answer).id_map[item.chunk_id]
    form = started.presigned_url
    httpx.post(form.url, data=form.fields.to_dict(), files={"file": ("file", DATA)}).raise_for_status()
    hashes = ErrorTrackingSymbolSetBulkFinishRequestContentHashes.from_dict({started.symbol_set_id: HASH})
    finish = ErrorTrackingSymbolSetBulkFinishRequest(content_hashes=hashes)
    done = bulk_finish.sync(place.project, client=place.client, body=finish)
    assert typed(ErrorTrackingSymbolSetSuccess, done).success
    return started.symbol_set_id
